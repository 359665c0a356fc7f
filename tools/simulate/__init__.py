"""`yijian simulate`: a year of made-up traffic, and beside it the truth that later work can be measured by."""
