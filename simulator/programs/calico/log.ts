/** A line as Calico's programs log: `2025-11-24 21:04:05.123 [INFO][56] felix/int_dataplane.go 2142: …`. */
export function calicoLine(now: number, severity: 'INFO' | 'WARNING' | 'ERROR', process: number, source: string, message: string): string {
  const iso = new Date(now).toISOString()
  return `${iso.slice(0, 10)} ${iso.slice(11, 23)} [${severity}][${process}] ${source}: ${message}`
}
