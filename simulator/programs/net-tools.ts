import { busybox } from './busybox/busybox.ts'
import { kill } from './busybox/kill.ts'
import { ps } from './busybox/ps.ts'
import { chrootBusybox } from './chroot.ts'
import { bridge } from './netutils/bridge.ts'
import { curl } from './netutils/curl/curl.ts'
import { dig } from './netutils/dig.ts'
import { host } from './netutils/host.ts'
import { ip } from './netutils/ip/ip.ts'
import { ipset } from './netutils/ipset.ts'
import { iptables, iptablesSave } from './netutils/iptables/iptables.ts'
import { arp, conntrack, ifconfig, sysctl } from './netutils/kernel-tools.ts'
import { ncBusybox, ncOpenbsd } from './netutils/nc.ts'
import { nft } from './netutils/nft.ts'
import { nslookupBind } from './netutils/nslookup-bind.ts'
import { nslookupBusybox } from './netutils/nslookup-busybox.ts'
import { pingBusybox, pingIputils } from './netutils/ping.ts'
import { netstat, route, ss } from './netutils/ss.ts'
import { tcpdump } from './netutils/tcpdump/tcpdump.ts'
import { traceroute } from './netutils/traceroute.ts'
import { wgetBusybox } from './netutils/wget-busybox.ts'
import type { Command } from './process.ts'

/** Network tools of a full GNU/Linux system, by name: nodes, the workstation, netshoot. */
export const netTools: Readonly<Record<string, Command>> = {
  arp,
  bridge,
  conntrack,
  curl,
  dig,
  host,
  ifconfig,
  ip,
  ipset,
  iptables,
  'iptables-save': iptablesSave,
  nc: ncOpenbsd,
  netstat,
  nft,
  nslookup: nslookupBind,
  ping: pingIputils,
  route,
  ss,
  sysctl,
  tcpdump,
  traceroute,
  wget: wgetBusybox,
}

/** Network applets of busybox, by name, and busybox itself. */
export const busyboxNetTools: Readonly<Record<string, Command>> = {
  arp,
  busybox,
  chroot: chrootBusybox,
  ifconfig,
  ip,
  kill,
  nc: ncBusybox,
  netstat,
  nslookup: nslookupBusybox,
  ping: pingBusybox,
  ps,
  route,
  sysctl,
  traceroute,
  wget: wgetBusybox,
}
