import { type Api, StatusError } from '../../../apiserver/api.ts'
import type { DaemonContext } from '../../process.ts'
import { accountNamespace, accountToken, hostKubeconfig, pluginAccount, tokenSeconds, writeKubeconfig } from '../cni/host-kubeconfig.ts'
import { calicoLine } from '../log.ts'

export interface RefresherState {
  /** The pod's token as it was when the plugin's was last asked for. */
  ownToken?: string
}

const refreshFraction = 4
const leastRetryMs = 5000

/**
 * Keeps the token in the CNI plugin's kubeconfig good: asks for one at the start, again after a quarter of its life and up to as much
 * again, and at once when the pod's own token became another, as after a change of the cluster's keys (node/pkg/cni/token_watch.go).
 */
export function refreshTokens(context: DaemonContext<RefresherState>): void {
  const { clock, env, files, random, state } = context
  const say = (severity: 'INFO' | 'ERROR', line: number, message: string) =>
    context.log(calicoLine(clock.now(), severity, 57, `cni-config-monitor/token_watch.go ${line}`, message))
  const timers = context.timers(() => refresh())
  const readToken = () => (files.exists(accountToken) ? files.readText(accountToken) : '')
  let api: Api | undefined
  let connecting = false
  context.onFileChange(accountToken, () => {
    if (readToken() === state.ownToken) return
    say('INFO', 163, 'Projected service account token changed; refreshing CNI kubeconfig immediately')
    refresh()
  })
  if (!context.resumed || readToken() !== state.ownToken) refresh()

  function refresh(): void {
    if (connecting) return
    if (api) return update(api)
    connecting = true
    context.connectApi(
      {},
      {
        connected(connection) {
          connecting = false
          api = connection
          update(connection)
        },
        error(error) {
          connecting = false
          const url = `https://${env['KUBERNETES_SERVICE_HOST']}:${env['KUBERNETES_SERVICE_PORT']}/api/v1/namespaces/${namespace()}/serviceaccounts/${pluginAccount(env)}/token`
          failed(`Post "${url}": ${error.message}`)
        },
        ended() {
          api = undefined
        },
      },
    )
  }

  function update(connection: Api): void {
    let issued: ReturnType<Api['requestToken']>
    try {
      issued = connection.requestToken(namespace(), pluginAccount(env), tokenSeconds)
    } catch (error) {
      if (!(error instanceof StatusError)) throw error
      return failed(error.message)
    }
    state.ownToken = readToken()
    say('INFO', 225, 'Update of CNI kubeconfig triggered based on elapsed time.')
    writeKubeconfig(files, env, issued.token)
    say('INFO', 280, `Wrote updated CNI kubeconfig file. path="${hostKubeconfig}"`)
    again((issued.expires - clock.now()) / refreshFraction)
  }

  function failed(message: string): void {
    say('ERROR', 107, `Unable to create token for CNI kubeconfig error=${message}`)
    say('ERROR', 130, `Failed to update CNI token, retrying... error=${message}`)
    again(leastRetryMs)
  }

  function again(ms: number): void {
    timers.set('refresh', clock.now() + ms + random.below(ms))
  }

  function namespace(): string {
    return files.exists(accountNamespace) ? files.readText(accountNamespace) : 'kube-system'
  }
}
