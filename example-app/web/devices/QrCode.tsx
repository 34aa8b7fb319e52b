import { encode } from 'uqr'

/** Squares around it, which a camera needs to find it. */
const border = 4

/** Dark on light, also in dark mode: many cameras find no other. */
export function QrCode ({ text, label }: { text: string, label: string }) {
  const { data, size } = encode(text, { ecc: 'M', border })
  return (
    <svg className='qr-code' viewBox={`0 0 ${size} ${size}`} role='img' aria-label={label} shapeRendering='crispEdges'>
      <path d={data.map((row, y) => row.map((isDark, x) => isDark ? `M${x} ${y}h1v1h-1z` : '').join('')).join('')} />
    </svg>
  )
}
