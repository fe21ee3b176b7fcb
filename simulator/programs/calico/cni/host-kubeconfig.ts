import type { FileSystem } from '../../../files.ts'

const account = '/var/run/secrets/kubernetes.io/serviceaccount'
/** The pod's own token. */
export const accountToken = `${account}/token`
export const accountNamespace = `${account}/namespace`
/** In the pods of calico-node; the node's own /etc/cni/net.d stands under /host. */
export const hostKubeconfig = '/host/etc/cni/net.d/calico-kubeconfig'
/** Whose token the plugin shows. */
export const pluginAccount = (env: Readonly<Record<string, string>>) => env['CALICO_CNI_SERVICE_ACCOUNT'] || 'calico-cni-plugin'
export const tokenSeconds = 24 * 60 * 60

/** What the CNI plugin goes by to the API server (node/pkg/cni). */
export function writeKubeconfig(files: FileSystem, env: Readonly<Record<string, string>>, token: string): void {
  const certificate = files.exists(`${account}/ca.crt`) ? btoa(files.readText(`${account}/ca.crt`)) : ''
  const text = [
    '# Kubeconfig file for Calico CNI plugin. Installed by calico/node.',
    'apiVersion: v1',
    'kind: Config',
    'clusters:',
    '- name: local',
    '  cluster:',
    `    server: https://${env['KUBERNETES_SERVICE_HOST']}:${env['KUBERNETES_SERVICE_PORT']}`,
    `    certificate-authority-data: "${certificate}"`,
    'users:',
    '- name: calico',
    '  user:',
    `    token: ${token}`,
    'contexts:',
    '- name: calico-context',
    '  context:',
    '    cluster: local',
    '    user: calico',
    'current-context: calico-context',
    '',
  ].join('\n')
  files.write(hostKubeconfig, text)
  files.setMode(hostKubeconfig, 0o600)
}
