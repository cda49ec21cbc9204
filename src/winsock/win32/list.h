/* SPDX-License-Identifier: MIT */
/*
 * Lists whose entries begin with their link, so that a pointer to the one is one to the other.
 */
#ifndef REGIO_WINSOCK_WIN32_LIST_H
#define REGIO_WINSOCK_WIN32_LIST_H

struct regioi_ws_link {
	struct regioi_ws_link *next, *previous;
};

struct regioi_ws_list {
	struct regioi_ws_link *first, *last;
};

static inline void regioi_ws_list_append(struct regioi_ws_list *list, struct regioi_ws_link *link)
{
	*link = (struct regioi_ws_link){.previous = list->last};
	if (list->last)
		list->last->next = link;
	else
		list->first = link;
	list->last = link;
}

static inline void regioi_ws_list_remove(struct regioi_ws_list *list, struct regioi_ws_link *link)
{
	if (link->previous)
		link->previous->next = link->next;
	else
		list->first = link->next;
	if (link->next)
		link->next->previous = link->previous;
	else
		list->last = link->previous;
}

#endif
