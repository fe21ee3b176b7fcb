import type { KubeObject } from '../kubernetes.ts'

export function traefik(): KubeObject[] {
  return []
}
