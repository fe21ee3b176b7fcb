import { chainEntries } from '../../network/netfilter/chains.ts'
import { renderNftTable } from '../../network/netfilter/render-nft.ts'
import type { Table } from '../../network/netfilter/rule.ts'
import { command } from './command.ts'
import { UsageError } from './options.ts'

/**
 * `nft list ruleset`, `nft list tables`, `nft list table inet NAME`. It shows the tables that were made by nft; those of iptables it names,
 * as nft itself does in a warning, and leaves their rules to iptables-save.
 */
export const nft = command('nftables/nft', async (process) => {
  const words = process.argv.slice(1).filter((word) => word !== '-a' && word !== '-n' && word !== '-s')
  const [verb, kind, ...rest] = words
  if (verb === '-v' || verb === '--version') {
    await process.stdout.write('nftables v1.0.6 (Lester Gooch #5)\n')
    return 0
  }
  if (verb !== 'list') throw new UsageError(`nft: the simulated nft only lists (nft list ruleset, tables, table inet NAME)`)
  const all = Object.values(process.namespace.netfilter.tables)
  const used = all.filter((table) => !table.iptables || chainEntries(table.chains).some(([, { rules }]) => rules.length > 0))
  if (kind === 'tables') {
    await process.stdout.write(used.map((table) => `table ${family(table)} ${table.name}\n`).join(''))
    return 0
  }
  if (kind === 'table') {
    const [first = '', second] = rest
    const [wanted, name] = second === undefined ? ['ip', first] : [first, second]
    const table = used.find((candidate) => candidate.name === name && family(candidate) === wanted)
    if (!table) {
      const place = `list table ${rest.join(' ')}`
      throw new UsageError(
        `Error: No such file or directory\n${place}\n${' '.repeat(place.length - name.length)}${'^'.repeat(name.length)}`,
      )
    }
    await process.stdout.write(text(table))
    return 0
  }
  if (kind !== 'ruleset') throw new UsageError('nft: the simulated nft lists ruleset, tables and table only')
  await process.stdout.write(used.map(text).join(''))
  return 0
})

function family({ iptables }: Table): string {
  return iptables ? 'ip' : 'inet'
}

function text(table: Table): string {
  return table.iptables
    ? `# Warning: table ip ${table.name} is managed by iptables-nft, do not touch!\n# (its rules: iptables-save -t ${table.name})\n`
    : renderNftTable(table)
}
