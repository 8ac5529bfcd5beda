/** The small gate at the back. */
export function Logo({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 32 32" className={className} aria-hidden>
      <path className="fill-accent" d="M6 29V14a10 10 0 0 1 20 0v15z" />
      <path className="stroke-canvas" d="M16 29V15m0 0a4 4 0 0 1 4 4v10" fill="none" strokeWidth="2.2" />
    </svg>
  );
}
