# caught-by: service-kept
# Goes round the Ingress: a port of every node leads straight to the shop.
kubectl -n prod patch service frontend-app --patch '{"spec":{"type":"NodePort"}}'
