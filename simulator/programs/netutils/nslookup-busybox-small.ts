import { isAddress } from '../../network/address.ts'
import type { Process } from '../process.ts'
import { resolverConfiguration } from '../resolver/configuration.ts'
import { type ResolverPlace, resolve, reverse } from '../resolver/resolver.ts'
import { command } from './command.ts'
import { UsageError } from './options.ts'
import { withNameserver } from './with-nameserver.ts'

const usage = `BusyBox v1.28.4 multi-call binary.

Usage: nslookup [HOST] [SERVER]

Query the nameserver for the IP address of the given HOST
optionally using a specified DNS server
`

/**
 * nslookup of busybox up to 1.28 (networking/nslookup.c without FEATURE_NSLOOKUP_BIG): it asks through the C library, so that search domains work,
 * and tells the name behind each address. Kubernetes' own walks use busybox:1.28 for that.
 */
export const nslookupBusyboxSmall = command('busybox-1.28/nslookup', async (process) => {
  const [host, server, more] = process.argv.slice(1)
  if (host === undefined || host.startsWith('-') || more !== undefined) throw new UsageError(usage)
  const place = server === undefined ? process : await askingAt(process, server)
  const [address = ''] = resolverConfiguration(place.files).nameservers
  await printHost(process, place, address, 'Server:')
  await process.stdout.write('\n')
  return (await printHost(process, place, host, 'Name:')) ? 0 : 1
})

async function askingAt(process: Process, server: string): Promise<ResolverPlace> {
  const found = isAddress(server) ? { addresses: [server] } : await resolve(process, server, { signal: process.signal })
  if (!('addresses' in found)) throw new UsageError(`nslookup: bad address '${server}'`)
  const { sockets, files, clock, random } = process
  return { sockets, files: withNameserver(files, found.addresses[0] as string, () => clock.now()), clock, random }
}

async function printHost(process: Process, place: ResolverPlace, host: string, header: string): Promise<boolean> {
  const found = await resolve(place, host, { signal: process.signal })
  if (!('addresses' in found)) {
    await process.stderr.write(`nslookup: can't resolve '${host}'\n`)
    return false
  }
  await process.stdout.write(`${header.padEnd(10)} ${host}\n`)
  for (const [index, address] of found.addresses.entries()) {
    const name = await reverse(place, address, { signal: process.signal })
    await process.stdout.write(`Address ${index + 1}: ${address}${name === undefined ? '' : ` ${name}`}\n`)
  }
  return true
}
