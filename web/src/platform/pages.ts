import { useInfiniteQuery } from "@tanstack/react-query";
import type { PageOf } from "./api/door";

export interface Listed<T> {
  items: T[];
  /** Nothing is known yet. */
  waiting: boolean;
  error: Error | null;
  more: boolean;
  busy: boolean;
  onMore: () => void;
  reread: () => void;
}

/** A list that is read page by page; what was read stays in its order, and nothing is shown twice. */
export function usePages<T extends { id: string }>(key: readonly unknown[], read: (cursor: string | null) => Promise<PageOf<T>>, options: { everyMs?: number; enabled?: boolean } = {}): Listed<T> {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last: PageOf<T>) => last.next,
    refetchInterval: options.everyMs ?? false,
    enabled: options.enabled ?? true,
  });
  const seen = new Set<string>();
  const items = (query.data?.pages ?? []).flatMap((page) => page.items).filter((item) => !seen.has(item.id) && seen.add(item.id));
  return {
    items,
    waiting: query.isPending,
    error: query.error,
    more: query.hasNextPage,
    busy: query.isFetchingNextPage,
    onMore: () => void query.fetchNextPage(),
    reread: () => void query.refetch(),
  };
}
