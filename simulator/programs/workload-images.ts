import { agnhostImages } from './agnhost/images.ts'
import { busyboxImages } from './busybox/images.ts'
import { debianImages } from './debian/images.ts'
import { hpaExampleImage } from './hpa-example/hpa-example.ts'
import { httpEchoImage } from './http-echo/http-echo.ts'
import { httpdImage } from './httpd/httpd.ts'
import type { Tools } from './image-parts.ts'
import { ingressNginxImage } from './ingress-nginx/image.ts'
import { metricsServerImage } from './metrics-server/metrics-server.ts'
import { mysqlImages } from './mysql/images.ts'
import { netshootImages } from './netshoot/images.ts'
import { nginxImages, nginxSlimImage } from './nginx/images.ts'
import { postgresImages } from './postgres/postgres.ts'
import type { Image } from './process.ts'
import { redisImages } from './redis/redis.ts'
import { stressImage } from './stress/stress.ts'
import { traefikImages } from './traefik/images.ts'
import { whoamiImage } from './whoami/whoami.ts'

/**
 * What people run in clusters. `tools` are the shell and the text filters by name, from wherever they are written.
 * One repository may have several images with tags of their own (`nginx:1.27` and `nginx:1.27-alpine` hold different tools).
 */
export function workloadImages(tools: Tools): Image[] {
  return [
    ...busyboxImages(tools),
    ...debianImages(tools),
    ...netshootImages(tools),
    ...nginxImages(tools),
    nginxSlimImage(tools),
    httpdImage(tools),
    whoamiImage,
    httpEchoImage,
    ...agnhostImages(tools),
    ...redisImages(tools),
    ...mysqlImages(tools),
    ...postgresImages(tools),
    hpaExampleImage(tools),
    stressImage(tools),
    metricsServerImage,
    ingressNginxImage(tools),
    ...traefikImages(tools),
  ]
}
