import type { BpfProgram } from '../../../network/bpf.ts'
import { fromContainer } from './container.ts'
import { fromNetdev, toNetdev } from './node-port.ts'
import { fromHost, fromOverlay } from './overlay.ts'
import { socketServices } from './services.ts'

/** What Cilium loads into a node's kernel. */
export const ciliumPrograms: readonly BpfProgram[] = [fromContainer, fromHost, fromNetdev, toNetdev, fromOverlay, socketServices]
