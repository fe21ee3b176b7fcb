/**
 * The kubelets' leases without the traffic of keeping them: they are renewed when somebody reads them, so that an idle cluster writes nothing,
 * and whoever watches over them is told when a kubelet ceases to renew its own.
 */
export interface Heartbeats {
  /** Brings the lease of every running kubelet to what it would have written by now. */
  renew(): void
  /** `handler` is told the node whose kubelet has stopped. */
  ceased(handler: (node: string) => void): void
}

export interface HeartbeatSource extends Heartbeats {
  stop(node: string): void
}

export function createHeartbeats(renew: () => void): HeartbeatSource {
  const handlers: ((node: string) => void)[] = []
  return {
    renew,
    ceased: (handler) => void handlers.push(handler),
    stop: (node) => {
      for (const handler of handlers) handler(node)
    },
  }
}
