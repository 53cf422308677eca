/* SPDX-License-Identifier: Apache-2.0 */
/* Headers that Swift's Glibc module lacks. */
#pragma once

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
