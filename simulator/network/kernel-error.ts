export type KernelErrorCode = 'EEXIST' | 'ENODEV' | 'ENOENT' | 'ESRCH' | 'EINVAL' | 'ENETUNREACH' | 'EADDRNOTAVAIL' | 'EOPNOTSUPP' | 'EBUSY'

const words: Record<KernelErrorCode, string> = {
  EEXIST: 'File exists',
  ENODEV: 'No such device',
  ENOENT: 'No such file or directory',
  ESRCH: 'No such process',
  EINVAL: 'Invalid argument',
  ENETUNREACH: 'Network is unreachable',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  EOPNOTSUPP: 'Operation not supported',
  EBUSY: 'Device or resource busy',
}

/** What the kernel answers to a wrong configuration request; `strerror` is what `ip` prints after "RTNETLINK answers: ". */
export class KernelError extends Error {
  readonly code: KernelErrorCode
  readonly strerror: string
  constructor(code: KernelErrorCode, what: string) {
    super(`${what}: ${words[code]}`)
    this.name = 'KernelError'
    this.code = code
    this.strerror = words[code]
  }
}
