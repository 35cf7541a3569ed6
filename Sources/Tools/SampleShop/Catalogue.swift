/// What the shop sells.
enum Catalogue {
    static let products: [ShopProduct] = [
        ShopProduct(
            id: "kettle", name: "Чайник электрический «Самовар-М», 1,7 л", markup: .linkedData, currency: "RUB", decimals: 2, drawing: .kettle, price: 349_000),
        ShopProduct(
            id: "headphones", name: "Наушники Nord QC-20 «Тишина»", markup: .linkedDataGraph, currency: "RUB", decimals: 2, drawing: .headphones,
            price: 1_299_000),
        ShopProduct(
            id: "lamp", name: "Desk lamp Lumen 4 <warm & bright>", markup: .linkedDataAggregate, currency: "EUR", decimals: 2, drawing: .lamp, price: 4_990),
        ShopProduct(
            id: "backpack", name: "Рюкзак городской «Маршрут»", markup: .linkedDataGroup, currency: "RUB", decimals: 2, drawing: .backpack, price: 529_900),
        ShopProduct(id: "coffee", name: "Кофе в зёрнах «Утро», 1 кг", markup: .linkedDataFaulty, currency: "RUB", decimals: 2, drawing: .bag, price: 189_050),
        ShopProduct(id: "book", name: "The Celery Cookbook", markup: .linkedDataText, currency: "EUR", decimals: 2, drawing: .book, price: 2_499),
        ShopProduct(id: "game", name: "ボードゲーム「セロリ農園」", markup: .linkedData, currency: "JPY", decimals: 0, drawing: .dice, price: 4_950),
        ShopProduct(id: "chair", name: "Стул «Венский»", markup: .microdata, currency: "RUB", decimals: 2, drawing: .chair, price: 799_000),
        ShopProduct(
            id: "bicycle", name: "Велосипед «Ветер-7»", markup: .microdataReferences, currency: "RUB", decimals: 2, drawing: .bicycle, price: 2_499_000),
        ShopProduct(id: "tea", name: "Чай «Ёлочка», чёрный, 100 г", markup: .windows1251, currency: "RUB", decimals: 2, drawing: .cup, price: 24_990),
        ShopProduct(id: "mug", name: "Mug “Good morning”", markup: .openGraph, currency: "USD", decimals: 2, drawing: .cup, price: 1_299),
        ShopProduct(id: "camera", name: "Фотоаппарат «Зенит-Э»", markup: .openGraphSale, currency: "RUB", decimals: 2, drawing: .camera, price: 1_549_000),
        ShopProduct(
            id: "shirt", name: "Рубашка льняная", markup: .card, currency: "RUB", decimals: 2, drawing: .shirt, article: 123_456_789, price: 408_800),
        ShopProduct(id: "boots", name: "Ботинки «Тундра»", markup: .card, currency: "RUB", decimals: 2, drawing: .boots, article: 987_654_321, price: 899_000),
    ]
}
