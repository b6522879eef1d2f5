/** The platform's own mark: a beam over a pulse line. Deliberately no star and no red circle. */
export function Logo({ size = 24 }: { size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 24 24" aria-hidden="true" focusable="false" style={{ flexShrink: 0 }}>
      <rect width="24" height="24" rx="5" fill="#1F5FBF" />
      <path
        d="M5.5 7h13M12 7v4.5M4.5 14.5h4l2-3.5 3 6.5 2-3h4"
        fill="none"
        stroke="#fff"
        strokeWidth="2"
        strokeLinecap="round"
        strokeLinejoin="round"
      />
    </svg>
  )
}
