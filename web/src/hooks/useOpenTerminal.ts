import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";

import { api } from "../api/client";
import { terminals } from "../stores/terminals";
import { pb } from "../util/path-builder";

/** Opens a session in the browser's terminal and goes to it; a refusal is told as a notice. */
export function useOpenTerminal() {
  const navigate = useNavigate();
  return useMutation({
    mutationFn: (account: string) => api.terminalOpen(account),
    onSuccess: (opened) => {
      terminals.add(opened);
      void navigate({ to: pb.terminal(opened.session) });
    },
  });
}
