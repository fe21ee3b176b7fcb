/** Ports that `/etc/services` names, of those that tools print here. */
const names: Readonly<Record<number, string>> = {
  22: 'ssh',
  53: 'domain',
  80: 'http',
  123: 'ntp',
  179: 'bgp',
  443: 'https',
  2379: 'etcd-client',
  2380: 'etcd-server',
  3306: 'mysql',
  5432: 'postgresql',
  6379: 'redis',
  8080: 'http-alt',
  9153: 'metrics',
  9376: '*',
  10250: 'kubelet',
}

export function serviceName(port: number): string | undefined {
  const name = names[port]
  return name === '*' ? undefined : name
}
