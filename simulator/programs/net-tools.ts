import { curl } from './netutils/curl/curl.ts'
import { dig } from './netutils/dig.ts'
import { host } from './netutils/host.ts'
import { nslookupBind } from './netutils/nslookup-bind.ts'
import { nslookupBusybox } from './netutils/nslookup-busybox.ts'
import { pingBusybox, pingIputils } from './netutils/ping.ts'
import { wgetBusybox } from './netutils/wget-busybox.ts'
import type { Command } from './process.ts'

/** Network tools of a full GNU/Linux system, by name: nodes, the workstation, netshoot. */
export const netTools: Readonly<Record<string, Command>> = {
  curl,
  dig,
  host,
  nslookup: nslookupBind,
  ping: pingIputils,
  wget: wgetBusybox,
}

/** Network applets of busybox, by name. */
export const busyboxNetTools: Readonly<Record<string, Command>> = {
  nslookup: nslookupBusybox,
  ping: pingBusybox,
  wget: wgetBusybox,
}
