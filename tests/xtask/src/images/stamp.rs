//! The stamp beside each image: which recipe and which package versions made it.
//!
//! The first line is the recipe's key, the others are the package files.
//! An image whose stamp has another key is as good as lacking.

use std::fs;
use std::path::{Path, PathBuf};

use super::products::Product;

/// The first line that an up-to-date stamp of `product` has.
pub fn recipe_key(product: &Product) -> String {
    let inputs = product
        .inputs
        .iter()
        .flat_map(|input| input.bytes().chain([0]));
    format!("recipe {} inputs {:016x}", product.recipe, fnv1a(inputs))
}

/// Whether the image in `cache` was made by the present recipe.
pub fn is_current(cache: &Path, product: &Product) -> bool {
    let stamp = read(cache, product.name);
    stamp.first().is_some_and(|key| *key == recipe_key(product))
}

/// The lines of the stamp; none when there is no stamp.
pub fn read(cache: &Path, name: &str) -> Vec<String> {
    let text = fs::read_to_string(file(cache, name)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The text of the stamp for an image of `product` made from these package files.
pub fn text(product: &Product, packages: &[String]) -> String {
    let mut text = recipe_key(product);
    text.push('\n');
    for package in packages {
        text.push_str(package);
        text.push('\n');
    }
    text
}

/// The path of the stamp of image `name`.
pub fn file(cache: &Path, name: &str) -> PathBuf {
    cache.join(format!("{name}.stamp"))
}

/// FNV-1a: enough to notice that an input of ours was edited.
fn fnv1a(bytes: impl Iterator<Item = u8>) -> u64 {
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::products::PRODUCTS;
    use super::{file, fnv1a, is_current, text};

    #[test]
    fn hash_matches_its_published_values() {
        assert_eq!(fnv1a("".bytes()), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a("a".bytes()), 0xaf63_dc4c_8601_ec8c);
    }

    #[test]
    fn another_recipe_makes_an_image_stale() {
        let cache = tempfile::tempdir().expect("a temporary folder");
        let product = &PRODUCTS[0];
        let stamp = file(cache.path(), product.name);
        fs::create_dir_all(stamp.parent().expect("a product is in a folder")).expect("mkdir");
        assert!(!is_current(cache.path(), product));
        let current = text(product, &["some.deb".to_owned()]);
        fs::write(&stamp, &current).expect("write");
        assert!(is_current(cache.path(), product));
        fs::write(&stamp, current.replacen("recipe ", "recipe 9", 1)).expect("write");
        assert!(!is_current(cache.path(), product));
    }
}
