//! Whole disks, made by the programs that make real ones.

mod damage;
mod files;
mod images;
mod menus;
