// libxml2's HTML parser and XPath, and typed functions for what Swift cannot import or may not share (the global function
// pointer xmlFree). Error reports are switched off per context: a page's faults belong to nobody's standard error.
#ifndef CLIBXML2_SHIM_H
#define CLIBXML2_SHIM_H
// Debian's libxml2 shows ICU's headers, which contradict those that Foundation brings. Only the charset handlers' structure uses
// them, and nobody here does.
#include <libxml/xmlversion.h>
#undef LIBXML_ICU_ENABLED
#include <libxml/HTMLparser.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <libxml/xpath.h>

static inline void cxml_free(void *memory) {
    xmlFree(memory);
}
static inline void cxml_ignore_error(void *context, xmlErrorPtr error) {
    (void)context;
    (void)error;
}
static inline void cxml_xpath_be_quiet(xmlXPathContextPtr context, unsigned long steps) {
    context->error = cxml_ignore_error;
    context->opLimit = steps;
}
#endif
