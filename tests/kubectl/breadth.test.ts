import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { kubectlVersions } from '../real-kubectl.ts'
import { kubectlSession } from './session.ts'

interface Row {
  readonly line: string
  readonly input?: string
  readonly out?: RegExp
  readonly err?: RegExp
  readonly code?: number
  readonly editor?: string
  readonly since?: string
}

const settings = (value: string) =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings, labels: { set: one } }\ndata: { a: "${value}" }\n`

const replicationController = `apiVersion: v1
kind: ReplicationController
metadata: { name: old }
spec: { replicas: 2, template: { metadata: { labels: { app: old } }, spec: { containers: [{ name: web, image: "nginx:1.27-alpine", ports: [{ containerPort: 80 }] }] } } }
`
const autoscalerV1 = (target: number) => `apiVersion: autoscaling/v1
kind: HorizontalPodAutoscaler
metadata: { name: web }
spec: { minReplicas: 2, maxReplicas: 4, targetCPUUtilizationPercentage: ${target}, scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web } }
`

/** One line after the other on one cluster, in the namespace `lab`. `FOLDER` is a folder of the session's own. */
const table: readonly Row[] = [
  { line: 'create namespace lab', out: /^namespace\/lab created/ },
  { line: 'config set-context --current --namespace=lab', out: /Context ".+" modified\./ },
  { line: 'config current-context', out: /\S/ },
  { line: 'config view --minify -o jsonpath={..namespace}', out: /^lab$/ },
  { line: 'config get-contexts', out: /CURRENT +NAME +CLUSTER +AUTHINFO +NAMESPACE\n\* / },
  { line: 'config get-clusters', out: /^NAME\n\S+/ },
  { line: 'config get-users', out: /^NAME\n\S+/ },
  // create of every kind that it has a word for
  { line: 'create deployment web --image=nginx:1.27-alpine --replicas=2 --port=80', out: /^deployment\.apps\/web created/ },
  { line: 'rollout status deployment/web --timeout=30s', out: /successfully rolled out/ },
  { line: 'create service clusterip plain --tcp=80:8080', out: /^service\/plain created/ },
  { line: 'create service nodeport outer --tcp=80 --node-port=30123', out: /^service\/outer created/ },
  { line: 'create service loadbalancer cloud --tcp=80', out: /^service\/cloud created/ },
  { line: 'create service externalname alias --external-name=example.com', out: /^service\/alias created/ },
  {
    line: 'get svc',
    out: /alias +ExternalName +<none> +example\.com +<none>[\s\S]*cloud +LoadBalancer +\S+ +<pending> +80:\d+\/TCP[\s\S]*outer +NodePort +\S+ +<none> +80:30123\/TCP/,
  },
  { line: 'create configmap pairs --from-literal=a=1 --from-literal=b=2', out: /^configmap\/pairs created/ },
  { line: 'create configmap files --from-file=FOLDER/page.html', out: /^configmap\/files created/ },
  { line: 'create configmap env --from-env-file=FOLDER/some.env', out: /^configmap\/env created/ },
  { line: 'get cm files -o jsonpath={.data}', out: /\{"page\.html":"hello\\n"\}/ },
  { line: 'get cm env -o jsonpath={.data.COLOUR}', out: /^blue$/ },
  { line: 'create secret generic token --from-literal=t=abc', out: /^secret\/token created/ },
  {
    line: 'create secret docker-registry pull --docker-server=r.example --docker-username=u --docker-password=p',
    out: /^secret\/pull created/,
  },
  { line: 'get secret', out: /pull +kubernetes\.io\/dockerconfigjson +1[\s\S]*token +Opaque +1/ },
  { line: 'create serviceaccount robot', out: /^serviceaccount\/robot created/ },
  { line: 'create role reader --verb=get,list --resource=pods,services', out: /^role\.rbac\.authorization\.k8s\.io\/reader created/ },
  {
    line: 'create rolebinding reader --role=reader --serviceaccount=lab:robot',
    out: /^rolebinding\.rbac\.authorization\.k8s\.io\/reader created/,
  },
  {
    line: 'create clusterrole metrics --verb=get --non-resource-url=/metrics',
    out: /^clusterrole\.rbac\.authorization\.k8s\.io\/metrics created/,
  },
  {
    line: 'create clusterrolebinding metrics --clusterrole=metrics --user=jane',
    out: /^clusterrolebinding\.rbac\.authorization\.k8s\.io\/metrics created/,
  },
  { line: 'create quota small --hard=pods=20,services=9', out: /^resourcequota\/small created/ },
  { line: 'create poddisruptionbudget web --selector=app=web --min-available=1', out: /^poddisruptionbudget\.policy\/web created/ },
  { line: 'create priorityclass high --value=1000 --description=important', out: /^priorityclass\.scheduling\.k8s\.io\/high created/ },
  { line: 'create ingress web --rule=shop.example/*=web:80 --class=nginx', out: /^ingress\.networking\.k8s\.io\/web created/ },
  { line: 'create job once --image=busybox:1.36 -- echo done', out: /^job\.batch\/once created/ },
  { line: 'create cronjob tick --image=busybox:1.36 --schedule="0 * * * *" -- date', out: /^cronjob\.batch\/tick created/ },
  { line: 'create job manual --from=cronjob/tick', out: /^job\.batch\/manual created/ },
  { line: 'wait --for=condition=complete job/once --timeout=20s', out: /^job\.batch\/once condition met/ },
  { line: 'logs job/once', out: /^done$/m },
  {
    line: 'create deployment bad --image=',
    code: 1,
    err: /required flag\(s\) "image" not set|must specify|Invalid value|Required value|invalid/i,
  },
  { line: 'create deployment dry --image=nginx --dry-run=client -o yaml', out: /kind: Deployment\nmetadata:[\s\S]*name: dry/ },
  { line: 'create deployment dry --image=nginx --dry-run=server', out: /deployment\.apps\/dry created \(server dry run\)/ },
  {
    line: 'create -f -',
    input: 'apiVersion: v1\nkind: Pod\nmetadata: { name: no-image }\nspec: { containers: [{ name: a }] }\n',
    code: 1,
    err: /The Pod "no-image" is invalid: spec\.containers\[0\]\.image: Required value/,
  },
  // looking
  {
    line: 'get all',
    out: /pod\/web-[\s\S]*service\/alias[\s\S]*deployment\.apps\/web +2\/2[\s\S]*replicaset\.apps\/web-[\s\S]*cronjob\.batch\/tick +0 \* \* \* \*[\s\S]*job\.batch\/once +Complete +1\/1/,
  },
  {
    line: 'get role,rolebinding',
    out: /role\.rbac\.authorization\.k8s\.io\/reader[\s\S]*rolebinding\.rbac\.authorization\.k8s\.io\/reader +Role\/reader/,
  },
  { line: 'get quota small', out: /small +pods: \d+\/20, services: 4\/9/ },
  { line: 'get pdb', out: /NAME +MIN AVAILABLE +MAX UNAVAILABLE +ALLOWED DISRUPTIONS +AGE\nweb +1 +N\/A +1/ },
  { line: 'get ingress', out: /NAME +CLASS +HOSTS +ADDRESS +PORTS +AGE\nweb +nginx +shop\.example +80/ },
  { line: 'get priorityclass high', out: /NAME +VALUE +GLOBAL-DEFAULT +AGE( +PREEMPTIONPOLICY)?\nhigh +1000 +false/ },
  {
    line: 'get pods -l app=web -o wide',
    out: /NOMINATED NODE +READINESS GATES\nweb-\S+ +1\/1 +Running +0 +\S+ +10\.244\.\d+\.\d+ +faultline-worker/,
  },
  { line: 'get pods -l app=web --no-headers', out: /^web-/ },
  { line: 'get deploy web -o yaml', out: /^apiVersion: apps\/v1\nkind: Deployment\n[\s\S]*availableReplicas: 2/ },
  { line: 'get deploy web -o json', out: /"kind": "Deployment"/ },
  { line: 'get deploy web -o name', out: /^deployment\.apps\/web$/m },
  { line: 'get deploy web -o go-template={{.spec.replicas}}', out: /^2$/ },
  { line: 'get deploy -o custom-columns=NAME:.metadata.name,WANTED:.spec.replicas', out: /^NAME +WANTED\nweb +2\n$/ },
  { line: 'get deploy web -o jsonpath="{.spec.template.spec.containers[*].image}"', out: /^nginx:1\.27-alpine$/ },
  { line: 'get svc --sort-by=.metadata.name -o name', out: /^service\/alias\nservice\/cloud\nservice\/outer\nservice\/plain\n$/ },
  { line: 'get svc --field-selector metadata.name=plain -o name', out: /^service\/plain\n$/ },
  { line: 'get pods --field-selector status.phase=Running -o name', out: /^(pod\/web-\S+\n){2}$/ },
  { line: 'get pods --field-selector=spec.bogus=1', code: 1, err: /field label not supported: spec\.bogus/ },
  { line: 'get pods -A --field-selector spec.nodeName=faultline-control-plane -o name', out: /pod\/etcd-faultline-control-plane/ },
  { line: 'get pods -l "app in (web,other)" -L app', out: /AGE +APP\nweb-\S+ +1\/1 +Running +0 +\S+ +web/ },
  { line: 'get cm -l nothing=here', err: /No resources found in lab namespace\./ },
  { line: 'get pod,svc missing', code: 1, err: /pods "missing" not found[\s\S]*services "missing" not found/ },
  { line: 'get pod missing --ignore-not-found', out: /^$/ },
  { line: 'get --raw /nonsense', code: 1, err: /the server could not find the requested resource|404|NotFound/ },
  { line: 'events --for=deployment/web', out: /ScalingReplicaSet +Deployment\/web/ },
  { line: 'get events --sort-by=.lastTimestamp --field-selector reason=Scheduled', out: /Successfully assigned lab\// },
  { line: 'describe quota small', out: /Resource +Used +Hard\n-+ +-+ +-+\npods +\d+ +20\nservices +4 +9/ },
  { line: 'describe ingress web', out: /shop\.example[\s\S]*\/ +web:80/ },
  { line: 'describe cronjob tick', out: /Schedule: +0 \* \* \* \*[\s\S]*Concurrency Policy: +Allow/ },
  { line: 'describe job once', out: /Pods Statuses: +0 Active.* \/ 1 Succeeded \/ 0 Failed/ },
  { line: 'describe role reader', out: /pods +\[\] +\[\] +\[get list\]/ },
  { line: 'describe serviceaccount robot', out: /Name: +robot/ },
  { line: 'describe pdb web', out: /Min available: +1[\s\S]*Allowed disruptions: +1/ },
  { line: 'describe cm pairs', out: /a:\n----\n1/ },
  { line: 'describe ns lab', out: /Status: +Active[\s\S]*Resource Quotas[\s\S]*small/ },
  { line: 'api-resources --namespaced=false -o name', out: /^namespaces\nnodes\n/m },
  {
    line: 'api-resources --api-group=apps',
    out: /NAME +SHORTNAMES +APIVERSION +NAMESPACED +KIND\n[\s\S]*statefulsets +sts +apps\/v1 +true +StatefulSet/,
  },
  { line: 'api-resources --verbs=list --categories=all -o name', out: /deployments\.apps/ },
  { line: 'api-versions', out: /^apps\/v1$/m },
  { line: 'version -o json', out: /"serverVersion"/ },
  { line: 'cluster-info', out: /is running at/ },
  { line: 'top pods', code: 1, err: /Metrics API not available/ },
  { line: 'top nodes', code: 1, err: /Metrics API not available/ },
  // may I
  { line: 'auth can-i list pods --as=system:serviceaccount:lab:robot', out: /^yes/ },
  { line: 'auth can-i delete pods --as=system:serviceaccount:lab:robot', out: /^no/, code: 1 },
  {
    line: 'auth can-i --list --as=system:serviceaccount:lab:robot',
    out: /Resources +Non-Resource URLs +Resource Names +Verbs[\s\S]*pods +\[\] +\[\] +\[get list\]/,
  },
  { line: 'auth can-i get /metrics --as=jane', out: /^yes/ },
  { line: 'auth whoami', out: /ATTRIBUTE +VALUE\nUsername +kubernetes-admin/ },
  {
    line: 'get secrets --as=jane',
    code: 1,
    err: /Error from server \(Forbidden\): secrets is forbidden: User "jane" cannot list resource "secrets" in API group "" in the namespace "lab"/,
  },
  {
    line: 'auth reconcile -f -',
    input:
      'apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: { name: fresh, namespace: lab }\nrules: [{ apiGroups: [""], resources: [pods], verbs: [get] }]\n',
    out: /role\.rbac\.authorization\.k8s\.io\/fresh reconciled/,
  },
  // apply in all its ways
  { line: 'apply -f -', input: settings('1'), out: /^configmap\/settings created/ },
  { line: 'apply -f -', input: settings('2'), out: /^configmap\/settings configured/ },
  { line: 'apply -f -', input: settings('2'), out: /^configmap\/settings unchanged/ },
  { line: 'diff -f -', input: settings('3'), code: 1, out: /- {2}a: "2"\n\+ {2}a: "3"/ },
  { line: 'diff -f -', input: settings('2'), out: /^$/ },
  { line: 'apply view-last-applied cm/settings', out: /data:\n {2}a: "2"/ },
  {
    line: 'apply -f - --server-side',
    input: settings('3'),
    code: 1,
    err: /Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using v1: \.data\.a/,
  },
  { line: 'apply -f - --server-side --force-conflicts', input: settings('3'), out: /^configmap\/settings serverside-applied/ },
  {
    line: 'apply -f - --server-side --field-manager=other',
    input: settings('4'),
    code: 1,
    err: /Apply failed with 1 conflict: conflict with "kubectl": \.data\.a/,
  },
  { line: 'get cm settings --show-managed-fields -o jsonpath={.metadata.managedFields[*].manager}', out: /kubectl/ },
  {
    line: 'apply -f - --prune -l set=one --prune-allowlist=core/v1/ConfigMap',
    input: settings('3').replaceAll('settings', 'successor'),
    out: /configmap\/successor created\nconfigmap\/settings pruned/,
  },
  { line: 'apply -k FOLDER/kustom', out: /configmap\/kust-words-\w+ created/ },
  { line: 'kustomize FOLDER/kustom', out: /namePrefix|name: kust-words-/ },
  { line: 'delete -k FOLDER/kustom', out: /configmap "kust-words-\w+" deleted/ },
  { line: 'replace -f -', input: settings('9').replaceAll('settings', 'successor'), out: /^configmap\/successor replaced/ },
  {
    line: 'replace --force -f -',
    input: settings('10').replaceAll('settings', 'successor'),
    out: /configmap "successor" deleted.*\nconfigmap\/successor replaced/,
  },
  { line: 'edit cm successor', editor: 's/a: "10"/a: "11"/', out: /^configmap\/successor edited/ },
  { line: 'get cm successor -o jsonpath={.data.a}', out: /^11$/ },
  { line: 'edit cm successor', editor: 's/nothing/at all/', err: /Edit cancelled, no changes made\./ },
  // changing
  { line: 'label cm successor tier=back', out: /labeled/ },
  { line: 'label cm successor tier=front', code: 1, err: /'tier' already has a value \(back\), and --overwrite is false/ },
  { line: 'label cm successor tier=front --overwrite', out: /labeled/ },
  { line: 'label cm successor tier-', out: /unlabeled/ },
  { line: 'label cm successor "bad value=x y"', code: 1, err: /invalid|Invalid/ },
  { line: 'label pods -l app=web seen=yes', out: /(pod\/web-\S+ labeled\n){2}/ },
  { line: 'annotate cm successor note=hi', out: /annotated/ },
  { line: 'annotate cm successor note-', out: /annotated/ },
  { line: 'annotate cm --all note=all', out: /configmap\/env annotated/ },
  { line: 'set image deployment/web nginx=nginx:1.28-alpine', out: /image updated/ },
  { line: 'set resources deployment/web --requests=cpu=10m,memory=16Mi --limits=cpu=100m', out: /resource requirements updated/ },
  { line: 'set env deployment/web COLOUR=red', out: /env updated/ },
  { line: 'set env deployment/web --list', out: /COLOUR=red/ },
  { line: 'set env deployment/web --from=configmap/pairs --prefix=CM_', out: /env updated/ },
  { line: 'set env deployment/web COLOUR-', out: /env updated/ },
  { line: 'set serviceaccount deployment/web robot', out: /serviceaccount updated/ },
  { line: 'set selector service plain app=web', out: /selector updated/ },
  { line: 'set subject rolebinding reader --user=joe', out: /subjects updated/ },
  { line: 'rollout status deployment/web --timeout=30s', out: /successfully rolled out/ },
  { line: 'rollout history deployment/web', out: /REVISION +CHANGE-CAUSE\n1 +<none>\n/ },
  { line: 'rollout history deployment/web --revision=1', out: /Image:\s+nginx:1\.27-alpine/ },
  { line: 'rollout pause deployment/web', out: /paused/ },
  { line: 'rollout pause deployment/web', code: 1, err: /is already paused/ },
  { line: 'rollout undo deployment/web', code: 1, err: /you cannot rollback a paused deployment/ },
  { line: 'rollout resume deployment/web', out: /resumed/ },
  { line: 'rollout undo deployment/web --to-revision=1', out: /rolled back/ },
  { line: 'rollout status deployment/web --timeout=30s', out: /successfully rolled out/ },
  { line: 'rollout restart deployment', out: /deployment\.apps\/web restarted/ },
  { line: 'rollout status deployment/web --timeout=30s', out: /successfully rolled out/ },
  { line: 'scale deployment web --replicas=3 --current-replicas=9', code: 1, err: /Expected replicas to be 9, was 2/ },
  { line: 'scale --replicas=3 deployment/web', out: /scaled/ },
  // kubectl 1.32 writes autoscaling/v1, 1.35 v2.
  { line: 'autoscale deployment web --min=1 --max=4 --cpu-percent=70', out: /^horizontalpodautoscaler\.autoscaling\/web autoscaled\n$/ },
  { line: 'get hpa web', out: /web +Deployment\/web +cpu: <unknown>\/70% +1 +4 +0/ },
  {
    line: 'get horizontalpodautoscalers.v1.autoscaling web -o jsonpath={.apiVersion}:{.spec.targetCPUUtilizationPercentage}',
    out: /^autoscaling\/v1:70$/,
  },
  { line: 'get hpa web -o jsonpath={.apiVersion}:{.spec.metrics[0].resource.target.averageUtilization}', out: /^autoscaling\/v2:70$/ },
  {
    line: 'apply -f -',
    input: autoscalerV1(60),
    err: /missing the kubectl\.kubernetes\.io\/last-applied-configuration/,
    out: /configured/,
  },
  { line: 'get hpa web', out: /cpu: <unknown>\/60% +2 +4/ },
  { line: 'apply -f - --server-side --force-conflicts', input: autoscalerV1(55), out: /serverside-applied/ },
  { line: 'describe hpa web', out: /resource cpu on pods +\(as a percentage of request\): +<unknown> \/ 55%\nMin replicas: +2/ },
  {
    line: 'apply -f -',
    input: autoscalerV1(0),
    code: 1,
    err: /spec\.metrics\[0\]\.resource\.target\.averageUtilization: Invalid value: 0: must be greater than 0/,
  },
  { line: 'delete hpa web', out: /horizontalpodautoscaler\.autoscaling "web" deleted/ },
  { line: 'expose deployment web --port=8080 --target-port=80 --name=shown', out: /service\/shown exposed/ },
  { line: `patch cm successor --patch '{"data":{"b":"2"}}'`, out: /patched/ },
  { line: `patch cm successor --type=json -p '[{"op":"remove","path":"/data/b"}]'`, out: /patched/ },
  {
    line: `patch cm successor --type=json -p '[{"op":"remove","path":"/data/none"}]'`,
    code: 1,
    err: /the server rejected our request due to an error in our request|doc is missing|nonexistent/,
  },
  { line: `patch cm successor --type=merge -p '{}'`, out: /patched \(no change\)/ },
  { line: `patch deployment web --subresource=scale --type=merge -p '{"spec":{"replicas":2}}'`, out: /patched/ },
  { line: 'get deployment web --subresource=scale', out: /web +2/ },
  // what came before ReplicaSets
  { line: 'create -f -', input: replicationController, out: /^replicationcontroller\/old created\n$/ },
  { line: `wait --for=jsonpath='{.status.availableReplicas}'=2 rc/old --timeout=20s`, out: /^replicationcontroller\/old condition met/ },
  {
    line: 'get rc -o wide',
    out: /^NAME +DESIRED +CURRENT +READY +AGE +CONTAINERS +IMAGES +SELECTOR\nold +2 +2 +2 +\S+ +web +nginx:1\.27-alpine +app=old\n$/,
  },
  {
    line: 'describe rc old',
    out: /Selector: +app=old\nLabels: +app=old\n[\s\S]*Replicas: +2 current \/ 2 desired\nPods Status: +2 Running \/ 0 Waiting \/ 0 Succeeded \/ 0 Failed\n[\s\S]*SuccessfulCreate +\S+ +(\(x\d.*\) +)?replication-controller +Created pod: old-/,
  },
  { line: 'get all', out: /NAME +DESIRED +CURRENT +READY +AGE\nreplicationcontroller\/old +2 +2 +2/ },
  { line: 'scale rc old --replicas=1', out: /^replicationcontroller\/old scaled\n$/ },
  { line: `wait --for=jsonpath='{.status.replicas}'=1 rc/old --timeout=20s`, out: /condition met/ },
  { line: 'get rc old --subresource=scale', out: /old +1 +1/ },
  { line: 'expose rc old --port=80 --name=older', out: /^service\/older exposed\n$/ },
  { line: 'get svc older -o jsonpath={.spec.selector.app}', out: /^old$/ },
  { line: 'autoscale rc old --max=2 --cpu-percent=50', out: /autoscaled/ },
  { line: 'logs rc/old --tail=1', out: /start worker process|notice/ },
  { line: 'explain rc.spec.selector', out: /KIND: +ReplicationController\nVERSION: +v1\n/ },
  { line: 'cluster-info dump --namespaces=lab', out: /"kind": "ReplicationControllerList"[\s\S]*"name": "old"/ },
  {
    line: 'patch rc old --type=merge -p {"spec":{"selector":{"app":"other"}}}',
    code: 1,
    err: /`selector` does not match template `labels`/,
  },
  { line: 'delete rc old --cascade=orphan', out: /^replicationcontroller "old" deleted/ },
  { line: 'get pods -l app=old -o jsonpath={.items[*].metadata.ownerReferences}', out: /^$/ },
  { line: 'create -f -', input: replicationController.replace('replicas: 2', 'replicas: 1'), out: /created/ },
  { line: `wait --for=jsonpath='{.status.readyReplicas}'=1 rc/old --timeout=20s`, out: /condition met/ },
  { line: 'get pods -l app=old -o jsonpath={.items[*].metadata.ownerReferences[*].kind}', out: /^ReplicationController$/ },
  { line: 'delete rc/old svc/older hpa/old', out: /replicationcontroller "old" deleted/ },
  { line: 'wait --for=delete pod -l app=old --timeout=20s', out: /^(pod\/\S+ condition met\n)*$/ },
  // waiting
  { line: 'wait --for=condition=Available deployment/web --timeout=20s', out: /condition met/ },
  { line: 'wait --for=condition=Ready pod -l app=web --timeout=20s', out: /condition met/ },
  { line: `wait --for=jsonpath='{.spec.type}'=NodePort svc/outer --timeout=5s`, out: /condition met/ },
  {
    line: 'wait --for=condition=Nonsense deployment/web --timeout=1s',
    code: 1,
    err: /timed out waiting for the condition on deployments\/web/,
  },
  { line: 'wait --for=delete pod/none --timeout=5s', out: /^$/ },
  // pods at work
  // On another node than the one that is drained below.
  {
    line: 'run box --image=busybox:1.36 --labels=app=box --env=A=b --overrides={"spec":{"nodeName":"faultline-worker"}} --command -- sleep 3600',
    out: /pod\/box created/,
  },
  { line: 'wait --for=condition=Ready pod/box --timeout=20s', out: /condition met/ },
  { line: 'exec box -- printenv A', out: /^b$/m },
  { line: 'exec box -c none -- ls', code: 1, err: /container none is not valid for pod box|container not found/ },
  { line: 'exec box -- nonsense', code: 1, err: /exec: "nonsense": executable file not found in \$PATH/ },
  { line: 'logs box --tail=1', out: /^$/ },
  { line: 'logs -l app=web --prefix --tail=1', out: /^\[pod\/web-\S+\/nginx\] / },
  { line: 'logs box -c none', code: 1, err: /container none is not valid for pod box/ },
  { line: 'logs box --previous', code: 1, err: /previous terminated container "box" in pod "box" not found/ },
  // nodes
  { line: 'cordon faultline-worker2', out: /cordoned/ },
  {
    line: 'drain faultline-worker2 --ignore-daemonsets --delete-emptydir-data --force --grace-period=1 --timeout=40s',
    out: /node\/faultline-worker2 (already cordoned|cordoned)[\s\S]*node\/faultline-worker2 drained/,
  },
  { line: 'get pods -o wide --field-selector spec.nodeName=faultline-worker2', err: /No resources found/ },
  { line: 'uncordon faultline-worker2', out: /uncordoned/ },
  { line: 'taint nodes faultline-worker2 a=b:NoSchedule c=d:NoExecute', out: /tainted/ },
  { line: 'taint nodes faultline-worker2 a=x:NoSchedule', code: 1, err: /already has a taint|--overwrite is false/ },
  { line: 'taint nodes faultline-worker2 a- c-', out: /untainted/ },
  { line: 'label node faultline-worker2 disk=ssd', out: /labeled/ },
  { line: 'get nodes -l disk=ssd -o name', out: /^node\/faultline-worker2\n$/ },
  { line: 'describe node faultline-worker2', out: /Taints: +<none>\nUnschedulable: +false/ },
  // going
  { line: 'delete pod box --now', out: /pod "box" deleted/ },
  { line: 'delete svc plain outer cloud alias', out: /(service "\w+" deleted.*\n){4}/ },
  { line: 'delete cm -l set=one', out: /configmap "successor" deleted/ },
  { line: 'delete pod missing', code: 1, err: /pods "missing" not found/ },
  { line: 'delete pod missing --ignore-not-found', out: /^(No resources found\n)?$/ },
  { line: 'create job kept --image=busybox:1.36 -- true', out: /created/ },
  { line: 'wait --for=condition=complete job/kept --timeout=20s', out: /condition met/ },
  { line: 'delete job kept --cascade=orphan', out: /job\.batch "kept" deleted/ },
  { line: 'get pods -l job-name=kept -o name', out: /^pod\/kept-/ },
  { line: 'delete deployment web --cascade=foreground', out: /deployment\.apps "web" deleted/ },
  { line: 'get rs', err: /No resources found in lab namespace\./ },
  { line: 'delete all --all', out: /deleted/ },
  { line: 'delete pods --all --force --grace-period=0', err: /Immediate deletion does not wait|No resources found/ },
  { line: 'delete clusterrole,clusterrolebinding metrics', out: /clusterrole\.rbac\.authorization\.k8s\.io "metrics" deleted/ },
  { line: 'delete ns lab --timeout=30s', out: /namespace "lab" deleted/ },
  { line: 'get ns lab', code: 1, err: /NotFound/ },
]

it('holds as many lines as it should', () => {
  expect(table.length).toBeGreaterThanOrEqual(150)
})

describe.each(kubectlVersions)('the breadth of kubectl %s', (version) => {
  let session: Awaited<ReturnType<typeof kubectlSession>>
  beforeAll(async () => {
    session = await kubectlSession(version)
    writeFileSync(join(session.folder, 'page.html'), 'hello\n')
    writeFileSync(join(session.folder, 'some.env'), 'COLOUR=blue\nSIZE=5\n')
    mkdirSync(join(session.folder, 'kustom'))
    writeFileSync(
      join(session.folder, 'kustom/kustomization.yaml'),
      'namePrefix: kust-\nconfigMapGenerator:\n- name: words\n  literals: [a=b]\n',
    )
  })
  afterAll(async () => {
    expect(session.defects).toEqual([])
    await session.close()
  })

  it.each(table.map((row, index) => ({ ...row, index })).filter(({ since = '' }) => version >= since))(
    '$index $line',
    async ({ line, input, out, err, code = 0, editor }) => {
      const env: Record<string, string> = {}
      if (editor !== undefined) {
        env['KUBE_EDITOR'] = join(session.folder, 'editor.sh')
        writeFileSync(env['KUBE_EDITOR'], `#!/bin/sh\nsed -i '${editor}' "$1"\n`, { mode: 0o755 })
      }
      const outcome = await session.kubectl(line.replaceAll('FOLDER', session.folder), { env, ...(input !== undefined && { input }) })
      if (out) expect(outcome.out, outcome.err).toMatch(out)
      if (err) expect(outcome.err, outcome.out).toMatch(err)
      expect(outcome.code, outcome.err).toBe(code)
    },
  )
})
