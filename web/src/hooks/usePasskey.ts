import { useMutation } from "@tanstack/react-query";

import { ApiError } from "../api/errors";
import type { PasskeyAnswer, PasskeyOffer } from "../api/nouns";
import { t } from "../i18n/first";
import { answerByPasskey } from "../util/passkey";

/** What the person did, or the browser, in the words of the page; a failure of the server stays what it is. */
export function passkeyFailure(error: unknown): unknown {
  if (error instanceof ApiError) return error;
  const excluded = error instanceof DOMException && error.name === "InvalidStateError";
  return new ApiError({ status: 0, code: "passkey", detail: excluded ? t.passkey.known : t.passkey.none });
}

/** Asks the person's authenticator what `offer` asks, and gives its answer to `give`. */
export function usePasskey({ offer, give, onDone }: { offer: () => Promise<PasskeyOffer>; give: (answer: PasskeyAnswer) => Promise<void>; onDone: () => void }) {
  return useMutation({
    meta: { inline: true, keeps: true },
    mutationFn: async () => {
      const { id, options } = await offer();
      const credential = await answerByPasskey(options).catch((error: unknown) => Promise.reject(passkeyFailure(error)));
      await give({ id, credential });
    },
    onSuccess: onDone,
  });
}
