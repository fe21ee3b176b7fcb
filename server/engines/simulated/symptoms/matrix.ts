import type { Plugin } from '../../../../simulator/bootstrap/spec.ts'

/** Where an expectation comes from: a file of an upstream repository, or a page of its documentation. */
export interface UpstreamSource {
  readonly says: string
  readonly where: string
}

export interface SymptomStep {
  /** The workstation where absent. */
  readonly on?: string
  readonly run: string
}

/** A part of what each client must print. */
export interface Expected {
  readonly curl: string
  readonly nslookup: string
  readonly trace: string
}

/** One fault, made as people make it, and what its clients see. */
export interface Symptom {
  readonly name: string
  readonly sources: readonly UpstreamSource[]
  readonly fault: readonly SymptomStep[]
  /** What plugins need differently. */
  readonly faultOn?: Partial<Record<Plugin, readonly SymptomStep[]>>
  /** Simulated seconds until it shows. */
  readonly after?: number
  /** Shown before the clients. */
  readonly looks?: readonly string[]
  readonly clients?: Partial<Record<keyof Expected, string>>
  readonly expects: Expected
  readonly expectsOn?: Partial<Record<Plugin, Partial<Expected>>>
}

/** A client on one worker, a server on the other, a page of 3,000 bytes. Addresses of Services are fixed, so that goldens do not move. */
export const world = `
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: page, namespace: shop}
data:
  index.html: "${'x'.repeat(3000)}"
---
apiVersion: v1
kind: Pod
metadata: {name: client, namespace: shop, labels: {app: client}}
spec:
  nodeName: faultline-worker
  containers: [{name: c, image: nicolaka/netshoot, command: [sleep, infinity]}]
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec:
  nodeName: faultline-worker2
  containers:
  - {name: c, image: nginx, ports: [{containerPort: 80}], volumeMounts: [{name: page, mountPath: /usr/share/nginx/html}]}
  volumes: [{name: page, configMap: {name: page}}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.80.80, selector: {app: web}, ports: [{port: 80}]}
`

export const clients: Readonly<Record<keyof Expected, string>> = {
  curl: "kubectl exec -n shop client -- curl -sS -m 10 -o /dev/null -w 'HTTP %{http_code}, %{size_download} bytes\\n' http://web",
  nslookup: 'kubectl exec -n shop client -- nslookup web',
  trace: 'COLUMNS=120 faultline trace -n shop pod/client http://web',
}

const resolved = 'Address: 10.96.80.80'
const proxier = 'https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/proxy/iptables/proxier.go'
/** The first rules of FORWARD, before kube-proxy's, so that a Service without endpoints is not rejected but goes on to the default route. */
const acceptedByWeave: UpstreamSource = {
  says: 'weave accepts what leaves its bridge at the top of FORWARD, before KUBE-SERVICES could reject it',
  where: 'https://github.com/weaveworks/weave/blob/v2.8.1/net/bridge.go',
}
const refusedByCilium: UpstreamSource = {
  says: 'the socket of a pod gets EHOSTUNREACH for a Service without backends; what comes from outside is rejected (service-no-backend-response)',
  where: 'https://docs.cilium.io/en/v1.18/network/kubernetes/kubeproxy-free/',
}
const late = `kubectl apply -f - <<'END'
apiVersion: v1
kind: Service
metadata: {name: late, namespace: shop}
spec: {clusterIP: 10.96.90.90, selector: {app: web}, ports: [{port: 80}]}
END`
const latePod = `kubectl apply -f - <<'END'
apiVersion: v1
kind: Pod
metadata: {name: late, namespace: shop, labels: {app: late}}
spec: {nodeName: faultline-worker2, containers: [{name: c, image: nginx}]}
---
apiVersion: v1
kind: Service
metadata: {name: late, namespace: shop}
spec: {clusterIP: 10.96.90.90, selector: {app: late}, ports: [{port: 80}]}
END`
const lateClients = {
  curl: "kubectl exec -n shop client -- curl -sS -m 10 -o /dev/null -w 'HTTP %{http_code}\\n' http://late",
  nslookup: 'kubectl exec -n shop client -- nslookup late',
  trace: 'COLUMNS=120 faultline trace -n shop pod/client http://late',
}
const withoutPlugin = (daemonset: string, namespace: string): SymptomStep[] => [
  { run: `kubectl delete daemonset -n ${namespace} ${daemonset}` },
  ...['faultline-control-plane', 'faultline-worker', 'faultline-worker2'].map((on) => ({ on, run: 'rm -f /etc/cni/net.d/*' })),
  { run: 'sleep 60' },
  { run: latePod },
]

/** What clients see where kube-dns has no endpoint. */
const withoutDns: Pick<Symptom, 'expects' | 'expectsOn'> = {
  expects: { curl: 'curl: (6) Could not resolve host: web', nslookup: 'connection refused', trace: 'by Service kube-system/kube-dns' },
  expectsOn: {
    weave: { nslookup: 'timed out', trace: 'as no rule had translated 10.96.0.10' },
    cilium: { nslookup: 'host unreachable', trace: 'kube-system/kube-dns' },
  },
}

export const symptoms: readonly Symptom[] = [
  {
    name: 'healthy',
    sources: [
      {
        says: 'a Service is reached by its DNS name, and its cluster IP leads to an endpoint',
        where: 'https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/',
      },
    ],
    fault: [],
    expects: { curl: 'HTTP 200, 3000 bytes', nslookup: resolved, trace: 'Answered with HTTP 200 by Pod shop/web' },
  },
  {
    name: 'no-endpoints',
    sources: [
      { says: 'a Service port without endpoints gets a REJECT rule "has no endpoints" in filter KUBE-SERVICES', where: proxier },
      {
        says: 'an ICMP port unreachable for a SYN is ECONNREFUSED (icmp_err_convert)',
        where: 'https://github.com/torvalds/linux/blob/v6.12/net/ipv4/icmp.c',
      },
      acceptedByWeave,
      refusedByCilium,
    ],
    fault: [{ run: `kubectl patch service -n shop web -p '{"spec":{"selector":{"app":"wep"}}}'` }],
    expects: { curl: 'curl: (7) Failed to connect to web port 80', nslookup: resolved, trace: 'by Service shop/web' },
    expectsOn: { weave: { curl: 'curl: (28) Connection timed out', trace: 'as no rule had translated 10.96.80.80' } },
  },
  {
    name: 'wrong-target-port',
    sources: [
      {
        says: 'the endpoint is the pod with the targetPort; a port on which nothing listens answers RST (RFC 9293, 3.10.7.1)',
        where: 'https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#is-the-service-defined-correctly',
      },
    ],
    fault: [
      { run: `kubectl patch service -n shop web --type=json -p '[{"op":"replace","path":"/spec/ports/0/targetPort","value":8080}]'` },
    ],
    expects: { curl: 'curl: (7) Failed to connect to web port 80', nslookup: resolved, trace: 'no socket on tcp port 8080' },
  },
  {
    name: 'policy-drop',
    sources: [
      {
        says: 'a pod that a policy selects for ingress accepts only what some policy allows; nothing says that the sender is told',
        where: 'https://kubernetes.io/docs/concepts/services-networking/network-policies/',
      },
      {
        says: 'kindnetd drops by the verdict of an NFQUEUE',
        where: 'https://github.com/kubernetes-sigs/kube-network-policies/blob/v0.8.0/pkg/networkpolicy/controller.go',
      },
      {
        says: 'Felix drops at the end of the tier',
        where: 'https://github.com/projectcalico/calico/blob/v3.30.4/felix/rules/endpoints.go',
      },
      {
        says: 'Flannel does not enforce policies',
        where: 'https://github.com/flannel-io/flannel/blob/v0.27.4/README.md#networking-details',
      },
      {
        says: 'weave-npc drops what none of its sets accepted, which names no policy',
        where: 'https://github.com/weaveworks/weave/blob/v2.8.1/net/bridge.go',
      },
      {
        says: 'Cilium looks the identity of the sender up in the policy map of the endpoint, which names no policy either',
        where: 'https://docs.cilium.io/en/v1.18/network/ebpf/maps/',
      },
    ],
    fault: [
      {
        run: `kubectl apply -f - <<'END'
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny-all, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
END`,
      },
    ],
    expects: { curl: 'curl: (28) Connection timed out', nslookup: resolved, trace: 'NetworkPolicy shop/deny-all' },
    expectsOn: {
      flannel: { curl: 'HTTP 200, 3000 bytes', trace: 'Answered with HTTP 200' },
      weave: { trace: 'at FORWARD (table filter, chain FORWARD): DROP' },
      cilium: { trace: 'Policy denied' },
    },
  },
  {
    name: 'wrong-protocol',
    sources: [{ says: 'rules of a Service port match its protocol (-p udp), so that TCP to the cluster IP is nobody’s', where: proxier }],
    fault: [
      {
        run: `kubectl patch service -n shop web --type=json -p '[{"op":"replace","path":"/spec/ports/0/protocol","value":"UDP"}]'`,
      },
    ],
    expects: { curl: 'curl: (28) Connection timed out', nslookup: resolved, trace: 'Timed out: the SYN was lost' },
  },
  {
    name: 'external-local-without-pod',
    sources: [
      {
        says: 'with externalTrafficPolicy Local a node without a local endpoint drops ("has no local endpoints")',
        where: proxier,
      },
      {
        says: 'packets sent to Services with Type=NodePort and Local are dropped where there are no local endpoints',
        where: 'https://kubernetes.io/docs/tutorials/services/source-ip/#source-ip-for-services-with-type-nodeport',
      },
      refusedByCilium,
    ],
    fault: [
      {
        run: `kubectl patch service -n shop web --type=json -p '[{"op":"replace","path":"/spec/type","value":"NodePort"},{"op":"add","path":"/spec/externalTrafficPolicy","value":"Local"},{"op":"add","path":"/spec/ports/0/nodePort","value":30080}]'`,
      },
    ],
    clients: {
      curl: 'curl -sS -m 10 -o /dev/null http://faultline-worker:30080',
      trace: 'COLUMNS=120 faultline trace workstation http://faultline-worker:30080',
    },
    expects: { curl: 'curl: (28) Connection timed out', nslookup: resolved, trace: 'by Service shop/web' },
    expectsOn: { cilium: { curl: 'curl: (7) Failed to connect to faultline-worker port 30080', trace: 'Refused' } },
  },
  {
    name: 'mtu-black-hole',
    sources: [
      {
        says: 'what is larger than the receiving interface takes is lost below IP, and nobody is told: path MTU discovery needs an ICMP that never comes (RFC 2923, 2.1)',
        where: 'https://www.rfc-editor.org/rfc/rfc2923#section-2.1',
      },
    ],
    fault: [{ on: 'faultline-worker', run: 'ip link set dev eth0 mtu 1400' }],
    expects: { curl: 'curl: (28) Operation timed out', nslookup: resolved, trace: 'more than the MTU 1400 of eth0' },
  },
  {
    name: 'dns-loop',
    sources: [
      {
        says: 'the loop plugin ends CoreDNS when its own question comes back, which shows as CrashLoopBackOff',
        where: 'https://github.com/coredns/coredns/blob/v1.12.1/plugin/loop/README.md#troubleshooting-loops-in-kubernetes-clusters',
      },
      acceptedByWeave,
      refusedByCilium,
    ],
    fault: [
      ...['faultline-worker', 'faultline-worker2', 'faultline-control-plane'].map((on) => ({
        on,
        run: 'echo nameserver 127.0.0.53 > /etc/resolv.conf',
      })),
      { run: 'kubectl delete pod -n kube-system -l k8s-app=kube-dns' },
    ],
    after: 120,
    looks: [
      'kubectl get pods -n kube-system -l k8s-app=kube-dns -o custom-columns=READY:.status.containerStatuses[0].ready,WHY:.status.containerStatuses[0].state.waiting.reason',
    ],
    ...withoutDns,
  },
  {
    name: 'dns-down',
    sources: [
      {
        says: 'kube-dns without endpoints is rejected like any Service',
        where: proxier,
      },
      {
        says: 'check that the DNS pods run and the Service has endpoints',
        where: 'https://kubernetes.io/docs/tasks/administer-cluster/dns-debugging-resolution/',
      },
      acceptedByWeave,
      refusedByCilium,
    ],
    fault: [{ run: 'kubectl scale deployment -n kube-system coredns --replicas=0' }],
    after: 60,
    ...withoutDns,
  },
  {
    name: 'kube-proxy-down',
    sources: [
      {
        says: 'kube-proxy writes the rules of Services; what it wrote stays when it stops, and what is new is not written',
        where: 'https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/#is-the-kube-proxy-working',
      },
    ],
    fault: [
      { run: `kubectl patch daemonset -n kube-system kube-proxy -p '{"spec":{"template":{"spec":{"nodeSelector":{"gone":"yes"}}}}}'` },
      { run: 'sleep 60' },
      { run: late },
    ],
    faultOn: {
      // Cilium's agent is what serves Services there.
      cilium: [
        { run: `kubectl patch daemonset -n kube-system cilium -p '{"spec":{"template":{"spec":{"nodeSelector":{"gone":"yes"}}}}}'` },
        { run: 'sleep 60' },
        { run: late },
      ],
    },
    after: 10,
    looks: ["kubectl exec -n shop client -- curl -sS -m 10 -o /dev/null -w 'HTTP %{http_code}\\n' http://web"],
    clients: lateClients,
    expects: {
      curl: 'curl: (28) Connection timed out',
      nslookup: 'Address: 10.96.90.90',
      trace: 'Timed out: the SYN was lost',
    },
  },
  {
    name: 'no-cni',
    sources: [
      {
        says: 'without a CNI configuration containerd reports NetworkPluginNotReady, the node is not ready, and sandboxes are not made; running pods keep their network',
        where: 'https://kubernetes.io/docs/tasks/administer-cluster/migrating-from-dockershim/troubleshooting-cni-plugin-related-errors/',
      },
      {
        says: 'pods are marked not ready only where the controller stopped hearing of a node, not where its kubelet says that it is not ready',
        where: 'https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/controller/nodelifecycle/node_lifecycle_controller.go',
      },
    ],
    fault: [],
    faultOn: {
      kindnet: withoutPlugin('kindnet', 'kube-system'),
      flannel: withoutPlugin('kube-flannel-ds', 'kube-flannel'),
      calico: withoutPlugin('calico-node', 'kube-system'),
      cilium: withoutPlugin('cilium', 'kube-system'),
      weave: withoutPlugin('weave-net', 'kube-system'),
    },
    after: 30,
    looks: [
      'kubectl get nodes',
      `kubectl get node faultline-worker -o jsonpath='{.status.conditions[?(@.type=="Ready")].message}{"\\n"}'`,
      'kubectl get pods -n shop',
      "kubectl exec -n shop client -- curl -sS -m 10 -o /dev/null -w 'HTTP %{http_code}\\n' http://web",
    ],
    clients: lateClients,
    expects: {
      curl: 'curl: (7) Failed to connect to late port 80',
      nslookup: 'Address: 10.96.90.90',
      trace: 'by Service shop/late',
    },
    expectsOn: {
      weave: { curl: 'curl: (28) Connection timed out', trace: 'as no rule had translated 10.96.90.90' },
      // Nobody tells the datapath of a Service that comes when the agent is gone.
      cilium: { curl: 'curl: (28) Connection timed out', trace: 'as no rule had translated 10.96.90.90' },
    },
  },
]
