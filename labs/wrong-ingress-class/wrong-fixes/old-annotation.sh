# caught-by: shop-answers
# The annotation of old times beside the field: the field wins.
kubectl -n prod annotate ingress frontend-app kubernetes.io/ingress.class=traefik
