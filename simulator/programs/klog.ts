import type { DaemonContext } from './process.ts'

/** Writes lines in klog's format: `I1124 21:04:05.123456       1 server.go:527] "Version info" …`, as Kubernetes' own programs log. */
export function klog(context: Pick<DaemonContext<unknown>, 'clock' | 'log'>, pid = 1) {
  return (severity: 'I' | 'W' | 'E' | 'F', source: string, message: string): void => {
    const iso = new Date(context.clock.now()).toISOString()
    const stamp = `${iso.slice(5, 7)}${iso.slice(8, 10)} ${iso.slice(11, 23)}000`
    context.log(`${severity}${stamp} ${String(pid).padStart(7)} ${source}] ${message}`, 'stderr')
  }
}
