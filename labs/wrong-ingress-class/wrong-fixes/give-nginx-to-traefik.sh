# caught-by: classes-kept
# Makes the class anew with Traefik as its controller: the shop answers, and so does all that anybody ever forgot under that name.
kubectl delete ingressclass nginx
kubectl apply -f - <<'MANIFEST'
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: nginx
spec:
  controller: traefik.io/ingress-controller
MANIFEST
