/** How a transfer failed: curl's exit code and its message behind `curl: (CODE) `. */
export class CurlFailure extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.name = 'CurlFailure'
    this.code = code
  }
}
