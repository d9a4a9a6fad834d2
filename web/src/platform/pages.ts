import { useInfiniteQuery } from "@tanstack/react-query";
import type { PageOf } from "./api/door";

export interface Listed<T, P = PageOf<T>> {
  items: T[];
  /** What the first page says besides. */
  first: P | undefined;
  /** Nothing is known yet. */
  waiting: boolean;
  error: Error | null;
  more: boolean;
  busy: boolean;
  onMore: () => void;
  reread: () => void;
}

/** A list that is read page by page; what was read stays in its order, and nothing is shown twice. */
export function usePages<T extends { id: string | number }, P extends PageOf<T> = PageOf<T>>(key: readonly unknown[], read: (cursor: string | null) => Promise<P>, options: { everyMs?: number; enabled?: boolean } = {}): Listed<T, P> {
  const query = useInfiniteQuery({
    queryKey: key,
    queryFn: ({ pageParam }) => read(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (last: P) => last.next,
    refetchInterval: options.everyMs ?? false,
    enabled: options.enabled ?? true,
  });
  const seen = new Set<string | number>();
  const items = (query.data?.pages ?? []).flatMap((page): T[] => page.items).filter((item) => !seen.has(item.id) && seen.add(item.id));
  return {
    items,
    first: query.data?.pages[0],
    waiting: query.isPending,
    error: query.error,
    more: query.hasNextPage,
    busy: query.isFetchingNextPage,
    onMore: () => void query.fetchNextPage(),
    reread: () => void query.refetch(),
  };
}
