/** Why a volume cannot be mounted: the tail of the FailedMount event. */
export class VolumeError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'VolumeError'
  }
}
