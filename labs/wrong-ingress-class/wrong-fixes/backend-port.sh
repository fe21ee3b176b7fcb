# caught-by: shop-answers
# "A 404 is a wrong backend": gives the port of the container instead of the Service's.
kubectl -n prod patch ingress frontend-app --type=json --patch '[{"op":"replace","path":"/spec/rules/0/http/paths/0/backend/service/port/number","value":8443}]'
