# caught-by: controller-kept
# Tells the controller to go by the class nginx, whatever that class says of itself.
kubectl -n traefik patch deployment traefik --type=json --patch '[{"op":"add","path":"/spec/template/spec/containers/0/args/-","value":"--providers.kubernetesingress.ingressclass=nginx"}]'
kubectl -n traefik rollout status deployment traefik --timeout=60s
