/// What each kind of markup puts into a page's head, and the body where the markup is in it.
struct ProductMarkup {
    let product: ShopProduct
    let origin: String

    private var image: String { "\(origin)/pictures/\(product.id).png" }
    private var url: String { origin + product.path }
    private var name: String { HTML.json(product.name) }
    private var price: String { product.decimalPrice }
    private var availability: String { product.availability.schema }

    var head: String {
        switch product.markup {
        case .linkedData: script(simple)
        case .linkedDataGraph: script(graph)
        case .linkedDataAggregate: script(aggregate)
        case .linkedDataGroup: script(group)
        case .linkedDataFaulty: script(breadcrumbs) + script(faulty)
        case .linkedDataText: script(localText)
        case .openGraph, .openGraphSale: openGraph
        case .microdata, .microdataReferences, .windows1251, .card: ""
        }
    }

    var body: String? {
        switch product.markup {
        case .microdata, .windows1251: microdata
        case .microdataReferences: microdataReferences
        default: nil
        }
    }

    private func script(_ json: String) -> String { "<script type=\"application/ld+json\">\n\(json)\n</script>\n" }

    // MARK: JSON-LD

    private var simple: String {
        """
        {"@context":"https://schema.org","@type":"Product","name":\(name),"image":"\(image)","sku":"\(product.id)",
        "offers":{"@type":"Offer","url":"\(url)","price":"\(price)","priceCurrency":"\(product.currency)","availability":"https://schema.org/\(availability)"}}
        """
    }

    private var graph: String {
        """
        {"@context":"http://schema.org","@graph":[
        {"@type":"WebSite","name":"Sample shop"},
        {"@type":"BreadcrumbList","itemListElement":[{"@type":"ListItem","position":1,"name":"Shop"}]},
        {"@type":["Product","http://schema.org/IndividualProduct"],"@id":"\(url)#product","name":\(name),"image":[{"@type":"ImageObject","url":"\(image)"}],
        "offers":[{"@id":"#offer"}]},
        {"@type":"Offer","@id":"#offer","price":\(price),"priceCurrency":"RUR","availability":{"@id":"http://schema.org/\(availability)"},
        "priceSpecification":[{"@type":"UnitPriceSpecification","priceType":"https://schema.org/ListPrice","price":\(ShopProduct.decimal(product.price * 2, product.decimals)),"priceCurrency":"RUB"}]}]}
        """
    }

    private var aggregate: String {
        """
        [{"@context":"https://schema.org/","@type":"Product","name":\(name),"image":["/pictures/\(product.id).png"],
        "offers":{"@type":"AggregateOffer","lowPrice":"\(price)","highPrice":"\(ShopProduct.decimal(product.price * 3, product.decimals))","offerCount":3,"priceCurrency":"\(product.currency)",
        "availability":"\(availability)"},
        "isRelatedTo":{"@type":"Product","name":"Bulb","offers":{"@type":"Offer","price":"1.00","priceCurrency":"EUR"}}}]
        """
    }

    private var group: String {
        """
        {"@context":"https://schema.org","@type":"ProductGroup","name":\(name),"productGroupID":"\(product.id)","image":"\(image)","hasVariant":[
        {"@type":"Product","sku":"\(product.id)-grey","name":\(name),"offers":{"@type":"Offer","url":"\(url)?variant=\(product.id)-grey","price":"\(price)","priceCurrency":"RUB","availability":"https://schema.org/\(availability)"}},
        {"@type":"Product","sku":"\(product.id)-red","name":\(HTML.json(product.name + ", красный")),"offers":{"@type":"Offer","url":"\(url)?variant=\(product.id)-red","price":"\(ShopProduct.decimal(product.price + 50_000, 2))","priceCurrency":"RUB","availability":"https://schema.org/OutOfStock"}}]}
        """
    }

    private var breadcrumbs: String {
        "{\"@context\":\"https://schema.org\",\"@type\":\"BreadcrumbList\",\"itemListElement\":[{\"@type\":\"ListItem\",\"name\":\"Shop\"},]"
    }

    private var faulty: String {
        """
        //<![CDATA[
        /* made by hand */
        {"@context": "https://schema.org", "@type": "Product", // the product
          "name": \(name), "description": "зёрна
        тёмной обжарки",
          "image": "\(image)",
          "Offers": {"@type": "Offer", "price": \(price), "priceCurrency": "RUB", "availability": "http://schema.org/\(availability.lowercased())",},
        };
        //]]>
        """
    }

    private var localText: String {
        """
        {"@context":"https://schema.org","@type":"Book","name":"The Celery Cookbook &amp; Garden","image":{"contentUrl":"\(image)"},"isbn":"9780000000000",
        "offers":{"@type":"Offer","price":"\(price.split(separator: ".").joined(separator: ",")) €","availability":"\(availability)","itemCondition":"NewCondition"}}
        """
    }

    // MARK: Open Graph

    private var openGraph: String {
        let title = HTML.escaped(product.name)
        var tags = """
            <meta property="og:type" content="product"><meta property="og:title" content="\(title)"><meta property="og:image" content="\(image)">
            <meta property="og:url" content="\(url)"><meta property="product:availability" content="\(product.availability.openGraph)">

            """
        if product.markup == .openGraphSale {
            tags += """
                <meta property="product:price:amount" content="\(ShopProduct.decimal(product.price * 2, product.decimals))"><meta property="product:price:currency" content="\(product.currency)">
                <meta property="product:sale_price:amount" content="\(price)"><meta property="product:sale_price:currency" content="\(product.currency)">

                """
        } else {
            tags += "<meta name=\"og:price:amount\" content=\"\(price)\"><meta name=\"og:price:currency\" content=\"\(product.currency)\">\n"
        }
        return tags
    }

    // MARK: Microdata

    private var microdata: String {
        """
        <article class="product" itemscope itemtype="http://schema.org/Product">
        <img itemprop="image" src="/pictures/\(product.id).png" alt="">
        <h1 itemprop="name">\(HTML.escaped(product.name))</h1>
        <p>Бренд: <span itemprop="brand" itemscope itemtype="http://schema.org/Brand"><span itemprop="name">Учебный</span></span></p>
        <div itemprop="offers" itemscope itemtype="http://schema.org/Offer">
        <span class="price" itemprop="price" content="\(price)">\(HTML.amount(product))</span>
        <meta itemprop="priceCurrency" content="\(product.currency)"><link itemprop="availability" href="http://schema.org/\(availability)">
        </div>
        <div itemprop="review" itemscope itemtype="http://schema.org/Review"><b itemprop="name">Хорошая вещь</b></div>
        </article>
        """
    }

    private var microdataReferences: String {
        """
        <article class="product" itemscope itemtype="https://schema.org/Product" itemref="offer picture">
        <h1 itemprop="name">\(HTML.escaped(product.name))</h1></article>
        <p id="picture"><img itemprop="image" src="/pictures/\(product.id).png" alt=""></p>
        <div id="offer"><div itemprop="offers" itemscope itemtype="https://schema.org/Offer">
        <span class="price" itemprop="price">\(HTML.amount(product))</span> <link itemprop="availability" href="https://schema.org/\(availability)"></div></div>
        """
    }
}
