import { chainEntries } from '../../network/netfilter/chains.ts'
import type { Netfilter } from '../../network/netfilter/netfilter.ts'
import type { IpSet } from '../../network/netfilter/sets.ts'
import { command } from './command.ts'
import { UsageError } from './options.ts'

/** `ipset list [NAME]`, `ipset list -n`, `ipset save`. */
export const ipset = command('ipset/ipset', async (process) => {
  const { netfilter } = process.namespace
  const words = process.argv.slice(1)
  const named = words.some((word) => word === '-n' || word === '-name')
  const [verb = '', name] = words.filter((word) => word !== '-n' && word !== '-name')
  const sets = Object.values(netfilter.sets).sort((a, b) => (a.name < b.name ? -1 : 1))
  const chosen = name === undefined ? sets : sets.filter((set) => set.name === name)
  if (name !== undefined && chosen.length === 0) throw new UsageError('ipset v7.17: The set with the given name does not exist')
  if (verb === 'list' || verb === '-L' || verb === '-list') {
    await process.stdout.write(chosen.map((set) => (named ? `${set.name}\n` : listed(set, netfilter))).join(named ? '' : '\n'))
    return 0
  }
  if (verb === 'save') {
    await process.stdout.write(
      chosen.map((set) => `${created(set)}\n${set.members.map((member) => `add ${set.name} ${member}\n`).join('')}`).join(''),
    )
    return 0
  }
  throw new UsageError(verb === '' ? 'ipset v7.17: No command specified.' : 'ipset: the simulated ipset only lists and saves')
})

function created({ name, type, family }: IpSet): string {
  return `create ${name} ${type} family ${family ?? 'inet'} hashsize 1024 maxelem 1048576`
}

function listed(set: IpSet, netfilter: Netfilter): string {
  const references = Object.values(netfilter.tables)
    .flatMap(({ chains }) => chainEntries(chains))
    .flatMap(([, { rules }]) => rules)
    .flatMap(({ matches = [] }) => matches)
    .filter((match) => match.match === 'set' && match.set === set.name).length
  return `${[
    `Name: ${set.name}`,
    `Type: ${set.type}`,
    'Revision: 7',
    `Header: family ${set.family ?? 'inet'} hashsize 1024 maxelem 1048576`,
    'Size in memory: 504',
    `References: ${references}`,
    `Number of entries: ${set.members.length}`,
    'Members:',
    ...set.members,
  ].join('\n')}\n`
}
