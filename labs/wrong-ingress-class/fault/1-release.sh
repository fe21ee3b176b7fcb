# The clean release: the old Ingress goes, the one of the release branch comes. It is from before the move to Traefik.
kubectl -n prod delete ingress frontend-app
kubectl apply -f - <<'MANIFEST'
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: frontend-app
  namespace: prod
  labels:
    app: frontend-app
spec:
  ingressClassName: nginx
  rules:
    - host: shop.example.com
      http:
        paths:
          - path: /
            pathType: Prefix
            backend:
              service:
                name: frontend-app
                port:
                  number: 443
MANIFEST
