import { agnhostImages } from './agnhost/images.ts'
import { busyboxImages } from './busybox/images.ts'
import type { Tools } from './image-parts.ts'
import { mysqlImages } from './mysql/images.ts'
import { netshootImages } from './netshoot/images.ts'
import { nginxImages } from './nginx/images.ts'
import type { Image } from './process.ts'

/**
 * What people run in clusters. `tools` are the shell and the text filters by name, from wherever they are written.
 * One repository may have several images with tags of their own (`nginx:1.27` and `nginx:1.27-alpine` hold different tools).
 */
export function workloadImages(tools: Tools): Image[] {
  return [...busyboxImages(tools), ...netshootImages(tools), ...nginxImages(tools), ...agnhostImages(tools), ...mysqlImages(tools)]
}
