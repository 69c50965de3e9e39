#ifndef CDMADEV_H
#define CDMADEV_H
#endif
