import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { NewOrder } from "../../api/types";
import { useServices } from "../../app/services";

/** Typing pauses this long before the server is asked. */
const DEBOUNCE_MS = 200;
/** Prices move under a finished draft too. */
const REFRESH_MS = 1_000;

/** What the order would do now, asked again while prices move; `pending` while the answer is still that of an earlier draft. */
export function usePreview(order: NewOrder | null) {
  const { api } = useServices();
  const key = order === null ? null : JSON.stringify(order);
  const [settled, setSettled] = useState(key);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(key), DEBOUNCE_MS);
    return () => clearTimeout(timer);
  }, [key]);
  const query = useQuery({
    queryKey: ["preview", settled],
    queryFn: ({ signal }) => api.preview(JSON.parse(settled!) as NewOrder, signal),
    enabled: settled !== null,
    refetchInterval: REFRESH_MS,
    placeholderData: keepPreviousData,
    gcTime: 10_000,
    retry: false,
  });
  return { data: settled === null ? undefined : query.data, error: query.error, pending: key !== settled || query.isPlaceholderData || (settled !== null && query.isPending) };
}
