import { Link } from "@tanstack/react-router";
import { ChevronLeft } from "lucide-react";

export function Crumb({ to, text }: { to: string; text: string }) {
  return (
    <nav className="mb-1 -ml-1">
      <Link to={to} className="inline-flex items-center gap-0.5 rounded px-1 text-sm text-muted hover:text-ink"><ChevronLeft className="size-4" aria-hidden />{text}</Link>
    </nav>
  );
}
