import type { LabSummary } from '../../protocol/catalogue.ts'

const simulated = { name: 'simulated', available: true } as const
const noDocker = {
  name: 'kind',
  available: false,
  reason: 'Docker does not answer on /var/run/docker.sock.',
  mend: 'Start Docker, or use the simulated engine.',
} as const

export const labs: LabSummary[] = [
  {
    id: 'broken-dns',
    title: 'Broken DNS',
    summary: 'Since this morning the shop cannot find its database. The database itself is fine, if only someone could say where it lives.',
    track: 'Name resolution',
    level: 'beginner',
    symptoms: ['SERVFAIL', 'CrashLoopBackOff', 'connection timed out; no servers could be reached'],
    minutes: 15,
    points: 100,
    cluster: { nodes: 3, cni: 'kindnet', kubernetes: '1.34.0' },
    engines: [simulated, noDocker],
  },
  {
    id: 'ndots',
    title: 'Five lookups for one name',
    summary: 'Every call to an outside service takes a second longer than it should.',
    track: 'Name resolution',
    level: 'intermediate',
    symptoms: ['NXDOMAIN', 'slow lookups', 'ndots'],
    minutes: 20,
    points: 100,
    cluster: { nodes: 2, cni: 'kindnet', kubernetes: '1.34.0' },
    engines: [simulated, { name: 'kind', available: true }],
    best: 100,
  },
  {
    id: 'wrong-ingress-class',
    title: 'An Ingress nobody answers for',
    summary: 'The Ingress is there, the controller is there, and still every request ends in a 404 from the default backend.',
    track: 'Services and Ingress',
    level: 'beginner',
    symptoms: ['404', 'default backend', 'no ADDRESS'],
    minutes: 15,
    points: 100,
    cluster: { nodes: 3, cni: 'calico', kubernetes: '1.34.0' },
    engines: [simulated, noDocker],
    best: 70,
  },
  {
    id: 'slow-kind',
    title: 'The port that was almost right',
    summary: 'A Service with endpoints, pods that are Ready, and a connection that is refused.',
    track: 'Services and Ingress',
    level: 'beginner',
    symptoms: ['connection refused', '502', 'targetPort'],
    minutes: 10,
    points: 80,
    cluster: { nodes: 3, cni: 'cilium', kubernetes: '1.34.0' },
    engines: [{ name: 'kind', available: true }],
  },
  {
    id: 'fails-to-start',
    title: 'A node apart',
    summary: 'Pods on one node reach nobody, and nobody reaches them; the node reports Ready all the same.',
    track: 'The pod network',
    level: 'intermediate',
    symptoms: ['no route to host', 'i/o timeout'],
    minutes: 25,
    points: 120,
    cluster: { nodes: 4, cni: 'flannel', kubernetes: '1.33.4' },
    engines: [simulated],
  },
  {
    id: 'flannel-policies',
    title: 'Policies that nobody enforces',
    summary: 'The audit says the database is sealed off. A single curl says otherwise.',
    track: 'The pod network',
    level: 'advanced',
    symptoms: ['NetworkPolicy has no effect', '200 where 000 is expected'],
    minutes: 30,
    points: 150,
    cluster: { nodes: 3, cni: 'flannel', kubernetes: '1.34.0' },
    engines: [noDocker],
  },
  {
    id: 'refuses',
    title: 'Large packets vanish',
    summary: 'Small answers arrive, large ones never do. Everything that was tested was small.',
    track: 'The pod network',
    level: 'advanced',
    symptoms: ['TLS handshake timeout', 'MTU', '504'],
    minutes: 30,
    points: 150,
    cluster: { nodes: 3, cni: 'calico', kubernetes: '1.34.0' },
    engines: [simulated],
  },
]

export const story = `Monday, 08:40. The shop is up, its pages load, and every order fails. The logs of the web pods repeat one line:

\`\`\`text
getaddrinfo EAI_AGAIN mysql.prod.svc.cluster.local
\`\`\`

Nobody has touched the database. Somebody **did** change the cluster's DNS on Friday evening, "only a small clean-up".

Start by looking at what runs:

\`\`\`bash
kubectl get pods -A
kubectl -n kube-system describe pods \\
  -l k8s-app=kube-dns
\`\`\`

Then ask for the name from where the shop asks, with \`kubectl -n prod exec -it deploy/web -- nslookup mysql.prod.svc.cluster.local\`.
CoreDNS reads its \`Corefile\` from a ConfigMap:

\`\`\`yaml
apiVersion: v1
kind: ConfigMap
metadata:
  name: coredns
  namespace: kube-system # as kubeadm leaves it
data:
  Corefile: |
    .:53 { errors }
\`\`\`

The pods must keep asking the cluster's own DNS. Pointing them at a public resolver is not a repair.`

export const debrief = `The Corefile had a plugin name with a missing letter. CoreDNS refuses to start on a directive that it does not know, so both replicas crashed, and with them every lookup in the cluster.

### What would have shown it first

\`\`\`bash
kubectl -n kube-system logs -l k8s-app=kube-dns --previous
\`\`\`

### What to take away

- A name that does not resolve is rarely the fault of what bears the name.
- \`SERVFAIL\` comes from a server that answers; a timeout comes from none.
- **CoreDNS reloads** a changed Corefile by itself, but not when it is not running.

| symptom | what it says |
| --- | --- |
| \`NXDOMAIN\` | the server is sure that there is no such name |
| \`SERVFAIL\` | the server could not find out |
| timeout | no server was reached |`

export const hints = [
  { text: 'Which pods in `kube-system` are not running as they should?', cost: 5 },
  { text: 'A container that crashes leaves its last words: `kubectl -n kube-system logs -l k8s-app=kube-dns --previous`.', cost: 10 },
  { text: 'Read the Corefile word by word.', cost: 15 },
]
