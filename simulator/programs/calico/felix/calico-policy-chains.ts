import type { Origin } from '../../../network/trace.ts'
import { chainName, setName, uniqueId } from '../names.ts'
import type { CalicoEntity, CalicoPolicy, CalicoRule } from '../policies/calico-policy.ts'
import type { Selector } from '../selectors/selector.ts'
import { parseSelector } from '../selectors/selector.ts'
import { closed, type PolicyChains, type WantedSet } from './policy-chains.ts'
import { type PolicyRule, type RuleSide, ruleRules } from './policy-rule.ts'

const everything = parseSelector('all()')

/** The chains of a policy of Calico's own kinds (felix/calc/rule_scanner.go, felix/rules/policy.go). */
export function calicoPolicyChains(policy: CalicoPolicy): PolicyChains {
  const { id, tier, order, selector, ingress, egress } = policy
  const inbound = chainName('cali-pi-', `${tier}/${id}`)
  const outbound = chainName('cali-po-', `${tier}/${id}`)
  const sets: WantedSet[] = []
  const chain = (rules: readonly CalicoRule[] | undefined, direction: string) =>
    closed(
      (rules ?? []).flatMap((rule) => ruleRules(policyRule(rule, sets))),
      `Policy ${id} ${direction}`,
    )
  return {
    id,
    origin: originOf(policy),
    tier,
    order,
    selector: selector.text,
    ingress: ingress !== undefined,
    egress: egress !== undefined,
    inbound,
    outbound,
    chains: { [inbound]: chain(ingress, 'ingress'), [outbound]: chain(egress, 'egress') },
    sets,
  }
}

function originOf({ kind, namespace, name }: CalicoPolicy): Origin {
  return namespace === undefined ? { kind, name } : { kind: 'NetworkPolicy.crd.projectcalico.org', namespace, name }
}

function policyRule(rule: CalicoRule, sets: WantedSet[]): PolicyRule {
  const { action, protocol, notProtocol, icmp, notIcmp, comments } = rule
  return {
    action,
    ...(protocol && { protocol }),
    ...(notProtocol && { notProtocol }),
    ...(icmp && { icmp }),
    ...(notIcmp && { notIcmp }),
    source: ruleSide(rule.source, rule, sets),
    destination: ruleSide(rule.destination, rule, sets),
    comments,
  }
}

function ruleSide(entity: CalicoEntity, { portProtocol }: CalicoRule, sets: WantedSet[]): RuleSide {
  const { selector, notSelector, nets, notNets, ports, notPorts } = entity
  const addresses = (wanted: Selector) => {
    const name = setName(uniqueId('s', wanted.text))
    sets.push({ name, members: { selector: wanted } })
    return name
  }
  const portsNamed = (names: readonly string[]) =>
    names.map((port) => {
      const of = selector ?? everything
      const name = setName(uniqueId('n', `${uniqueId('s', of.text)},${portProtocol.toLowerCase()},${port}`))
      sets.push({ name, members: { selector: of }, port: { name: port, protocol: portProtocol } })
      return name
    })
  // Named ports are already those of whoever is selected.
  const covered = entity.namedPorts.length > 0 && ports.length === 0
  return {
    nets,
    notNets,
    ports,
    notPorts,
    namedPorts: portsNamed(entity.namedPorts),
    notNamedPorts: portsNamed(entity.notNamedPorts),
    sets: selector && !covered ? [addresses(selector)] : [],
    notSets: notSelector ? [addresses(notSelector)] : [],
  }
}
