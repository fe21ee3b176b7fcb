# caught-by: shop-answers
# "It must be broken."
kubectl -n traefik rollout restart deployment traefik
kubectl -n traefik rollout status deployment traefik --timeout=60s
