import type { Asset } from '@/shared/api/fleet'
import type { AssetMap } from './queries'

/** One line of a picture: a dependency that was noted, or a component that lies on its host. */
export interface Joined {
  key: string
  /** Of a dependency that can be taken away; a component's place is part of the component itself. */
  linkId?: string
  from: Asset
  to: Asset
  kind: string
}

/** All that joins the assets of a picture, components to their hosts included. */
export function edgesOf(map: AssetMap): Joined[] {
  const byId = new Map(map.assets.map((a) => [a.id, a]))
  const out: Joined[] = []
  for (const asset of map.assets) {
    const host = byId.get(asset.parent_id)
    if (host) out.push({ key: `on-${asset.id}`, from: asset, to: host, kind: 'runs_on' })
  }
  for (const link of map.links) {
    const from = byId.get(link.from_id)
    const to = byId.get(link.to_id)
    if (from && to) out.push({ key: link.id, linkId: link.id, from, to, kind: link.kind })
  }
  return out
}
