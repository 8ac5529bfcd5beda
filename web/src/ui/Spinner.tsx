import { LoaderCircle } from "lucide-react";

export function Spinner({ label }: { label: string }) {
  return <LoaderCircle className="size-4 animate-spin text-muted" role="status" aria-label={label} />;
}
