import type { Command, Process } from '../../process.ts'
import { calicoLine } from '../log.ts'
import { accountNamespace, accountToken, pluginAccount, tokenSeconds, writeKubeconfig } from './host-kubeconfig.ts'

const binaries = '/opt/cni/bin'
const hostBinaries = '/host/opt/cni/bin'
const hostConfiguration = '/host/etc/cni/net.d'

/** The init container install-cni: plugin binaries, a kubeconfig and the network configuration onto the node (cni-plugin/pkg/install). */
export const install: Command = {
  kind: 'command',
  id: 'calico/install',
  async run(process) {
    const { files, env } = process
    const say = (severity: 'INFO' | 'ERROR', source: string, message: string) =>
      process.stdout.write(`${calicoLine(process.clock.now(), severity, 1, `cni-installer/<nil> ${source}`, message)}\n`)
    const info = (message: string) => say('INFO', '<nil>', message)
    if (files.exists(accountToken)) await info('Running as a Kubernetes pod')
    for (const { name, directory } of files.list(binaries)) {
      if (directory || name === 'install') continue
      files.write(`${hostBinaries}/${name}`, files.readText(`${binaries}/${name}`))
      files.setMode(`${hostBinaries}/${name}`, 0o755)
      await info(`Installed ${hostBinaries}/${name}`)
    }
    await info(`Wrote Calico CNI binaries to ${hostBinaries}`)
    await info('CNI plugin version: v3.30.4')
    if (files.exists(accountToken)) {
      const issued = await requestToken(process)
      if ('error' in issued) {
        await say('ERROR', '<nil>', `Unable to create token for CNI kubeconfig error=${issued.error}`)
        return 1
      }
      writeKubeconfig(files, env, issued.token)
    }
    await info(`Using CNI config template from CNI_NETWORK_CONFIG environment variable.`)
    const text = filled(env['CNI_NETWORK_CONFIG'] ?? '', process)
    try {
      JSON.parse(text)
    } catch (error) {
      await say('ERROR', '<nil>', `${text} is not a valid json object\nerror: ${error instanceof Error ? error.message : String(error)}`)
      return 1
    }
    const path = `${hostConfiguration}/${env['CNI_CONF_NAME'] ?? '10-calico.conflist'}`
    await info('CNI config file permission is set to 0600')
    files.write(path, text)
    files.setMode(path, 0o600)
    await info(`Created ${path}`)
    await process.stdout.write(`${text}\n`)
    await info('Done configuring CNI.  Sleep= false')
    return 0
  },
}

function filled(template: string, { env, hostname }: Process): string {
  const values: Record<string, string> = {
    __KUBERNETES_NODE_NAME__: env['KUBERNETES_NODE_NAME'] ?? hostname,
    __KUBECONFIG_FILEPATH__: '/etc/cni/net.d/calico-kubeconfig',
    __CNI_MTU__: env['CNI_MTU'] ?? '1500',
  }
  return Object.entries(values).reduce((text, [name, value]) => text.replaceAll(name, value), template)
}

async function requestToken({ files, env, fetch }: Process): Promise<{ token: string } | { error: string }> {
  const namespace = files.readText(accountNamespace)
  const host = `https://${env['KUBERNETES_SERVICE_HOST']}:${env['KUBERNETES_SERVICE_PORT']}`
  const url = `${host}/api/v1/namespaces/${namespace}/serviceaccounts/${pluginAccount(env)}/token`
  const body = { apiVersion: 'authentication.k8s.io/v1', kind: 'TokenRequest', spec: { audiences: [], expirationSeconds: tokenSeconds } }
  try {
    const headers = { authorization: `Bearer ${files.readText(accountToken)}`, 'content-type': 'application/json' }
    const response = await fetch(new Request(url, { method: 'POST', headers, body: JSON.stringify(body) }))
    const answer = (await response.json()) as { status?: { token?: string }; message?: string }
    const token = answer.status?.token
    return token === undefined ? { error: answer.message ?? String(response.status) } : { token }
  } catch (error) {
    return { error: `Post "${url}": ${error instanceof Error ? error.message : String(error)}` }
  }
}
