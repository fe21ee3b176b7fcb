# Names the class whose controller runs.
kubectl -n prod patch ingress frontend-app --type=merge --patch '{"spec":{"ingressClassName":"traefik"}}'
