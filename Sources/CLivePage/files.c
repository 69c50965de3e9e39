/* To add a file of the page, add its bytes and a row of the table. */
#include "clivepage.h"

#if defined(__clang__)
#pragma clang diagnostic ignored "-Wc23-extensions"
#endif

static const unsigned char index_html[] = {
#embed "Page/index.html"
};
static const unsigned char page_css[] = {
#embed "Page/page.css"
};
static const unsigned char icon_svg[] = {
#embed "Page/icon.svg"
};
static const unsigned char page_js[] = {
#embed "Page/page.js"
};
static const unsigned char feed_js[] = {
#embed "Page/feed.js"
};
static const unsigned char model_js[] = {
#embed "Page/model.js"
};
static const unsigned char format_js[] = {
#embed "Page/format.js"
};
static const unsigned char dom_js[] = {
#embed "Page/dom.js"
};
static const unsigned char chart_js[] = {
#embed "Page/chart.js"
};
static const unsigned char dense_js[] = {
#embed "Page/dense.js"
};
static const unsigned char devices_js[] = {
#embed "Page/devices.js"
};
static const unsigned char groups_js[] = {
#embed "Page/groups.js"
};
static const unsigned char lists_js[] = {
#embed "Page/lists.js"
};
static const unsigned char memory_js[] = {
#embed "Page/memory.js"
};
static const unsigned char trouble_js[] = {
#embed "Page/trouble.js"
};

#define FILE(path, type, name) { path, type, name, sizeof(name) }
#define SCRIPT(name) FILE("/" #name ".js", "text/javascript; charset=utf-8", name##_js)

static const struct clivepage_file files[] = {
	FILE("/", "text/html; charset=utf-8", index_html),
	FILE("/page.css", "text/css; charset=utf-8", page_css),
	FILE("/icon.svg", "image/svg+xml", icon_svg),
	SCRIPT(page),
	SCRIPT(feed),
	SCRIPT(model),
	SCRIPT(format),
	SCRIPT(dom),
	SCRIPT(chart),
	SCRIPT(dense),
	SCRIPT(devices),
	SCRIPT(groups),
	SCRIPT(lists),
	SCRIPT(memory),
	SCRIPT(trouble),
};

const struct clivepage_file *clivepage_files(size_t *count)
{
	*count = sizeof(files) / sizeof(files[0]);
	return files;
}
