import dagre from '@dagrejs/dagre'
import { Controls, MarkerType, Position, ReactFlow, type Edge, type Node } from '@xyflow/react'
import '@xyflow/react/dist/style.css'
import { useNavigate } from '@tanstack/react-router'
import { useMemo } from 'react'
import { useTranslation } from 'react-i18next'
import { usePrefs } from '@/shared/lib/prefs'
import '../fleet.css'
import { edgesOf, type Joined } from '../mapEdges'
import type { AssetMap } from '../queries'

const size = { width: 190, height: 48 }

function layout(map: AssetMap, edges: Joined[], here: string | undefined, kindOf: (kind: string) => string): Node[] {
  const graph = new dagre.graphlib.Graph()
  graph.setGraph({ rankdir: 'LR', nodesep: 24, ranksep: 90 })
  graph.setDefaultEdgeLabel(() => ({}))
  for (const asset of map.assets) graph.setNode(asset.id, { ...size })
  for (const edge of edges) graph.setEdge(edge.from.id, edge.to.id)
  dagre.layout(graph)
  return map.assets.map((asset) => {
    const at = graph.node(asset.id)
    return {
      id: asset.id,
      position: { x: at.x - size.width / 2, y: at.y - size.height / 2 },
      data: { label: `${asset.name} · ${kindOf(asset.kind)}` },
      className: [asset.worst_state && `node-${asset.worst_state}`, asset.id === here && 'node-here']
        .filter(Boolean)
        .join(' '),
      sourcePosition: Position.Right,
      targetPosition: Position.Left,
      connectable: false,
      deletable: false,
      draggable: false,
    }
  })
}

/** Assets as boxes, what joins them as arrows. The list below says the same in words. */
export default function MapPicture({ map, here }: { map: AssetMap; here?: string }) {
  const { t } = useTranslation('fleet')
  const navigate = useNavigate()
  const { theme } = usePrefs()
  const joined = useMemo(() => edgesOf(map), [map])
  const nodes = useMemo(() => layout(map, joined, here, (k) => t(`kind.${k}`)), [map, joined, here, t])
  const edges: Edge[] = joined.map((e) => ({
    id: e.key,
    source: e.from.id,
    target: e.to.id,
    label: t(`map.${e.kind}`),
    markerEnd: e.kind === 'connects_to' ? undefined : { type: MarkerType.ArrowClosed },
    focusable: false,
  }))
  return (
    <div className="asset-map">
      <ReactFlow
        nodes={nodes}
        edges={edges}
        key={joined.map((e) => e.key).join()}
        fitView
        fitViewOptions={{ maxZoom: 1, padding: 0.2 }}
        colorMode={theme === 'dark' ? 'dark' : 'light'}
        nodesConnectable={false}
        ariaLabelConfig={{
          'controls.ariaLabel': t('map.picture'),
          'controls.zoomIn.ariaLabel': t('map.zoomIn'),
          'controls.zoomOut.ariaLabel': t('map.zoomOut'),
          'controls.fitView.ariaLabel': t('map.fit'),
        }}
        nodesDraggable={false}
        elementsSelectable={false}
        onNodeClick={(_, node) => void navigate({ to: `/fleet/assets/${node.id}` as string })}
      >
        <Controls showInteractive={false} />
      </ReactFlow>
    </div>
  )
}
