/** How many nodes give each reason, as upstream's FitError lists them: `1 Insufficient cpu, 2 node(s) …`. */
export function countReasons(reasons: Iterable<string>): string {
  const counts = new Map<string, number>()
  for (const reason of reasons) counts.set(reason, (counts.get(reason) ?? 0) + 1)
  return [...counts]
    .map(([reason, count]) => `${count} ${reason}`)
    .sort()
    .join(', ')
}

/** `0/3 nodes are available: …`, with what preemption says where it found no way: upstream's FitError after its PostFilter plugins. */
export function unplaceable(nodes: number, why: string, preemption: string | undefined): string {
  if (nodes === 0) return 'no nodes available to schedule pods'
  const found = `0/${nodes} nodes are available: ${why}.`
  return preemption === undefined ? found : `${found} no new claims to deallocate, preemption: ${preemption}`
}

/** What preemption says of all nodes, of which `helpless` cannot be helped by it. */
export function noPreemption(nodes: number, helpless: number, reasons: Iterable<string>): string {
  const all = [...Array.from({ length: helpless }, () => 'Preemption is not helpful for scheduling'), ...reasons]
  return `0/${nodes} nodes are available: ${countReasons(all)}.`
}
